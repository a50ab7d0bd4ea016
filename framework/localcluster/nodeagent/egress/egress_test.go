package egress

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestRefusedAddresses(t *testing.T) {
	for address, refused := range map[string]bool{
		"127.0.0.1": true, "127.9.8.7": true, "::1": true, "::ffff:127.0.0.1": true, "0.0.0.0": true, "::": true,
		"169.254.169.254": true, "fe80::1": true, "224.0.0.1": true,
		"8.8.8.8": false, "10.1.2.3": false, "2001:db8::1": false,
	} {
		if err := refuseAddress(netip.MustParseAddr(address)); (err != nil) != refused {
			t.Errorf("%s: %v, want refused=%t", address, err, refused)
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		if err := refuseAddress(netip.MustParsePrefix(a.String()).Addr()); err == nil {
			t.Errorf("%s is this machine's own and not refused", a)
		}
	}
}

// startProxy runs a proxy and returns a client that uses it.
func startProxy(t *testing.T) *http.Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); ServeProxy(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done })
	at := &url.URL{Scheme: "http", Host: l.Addr().String()}
	transport := &http.Transport{Proxy: http.ProxyURL(at)}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestTheProxyDoesNotReachThisMachine(t *testing.T) {
	client := startProxy(t)
	own := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the host was reached") }))
	defer own.Close()
	port := own.Listener.Addr().(*net.TCPAddr).Port
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		address := "http://" + host + ":" + strconv.Itoa(port)
		resp, err := client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s, want 403", address, resp.Status)
		}
		_ = resp.Body.Close()
		if _, err := client.Get(strings.Replace(address, "http://", "https://", 1)); err == nil || //nolint:bodyclose // there is none with an error
			!strings.Contains(err.Error(), "Forbidden") {
			t.Errorf("CONNECT %s: %v, want Forbidden", address, err)
		}
	}
	resp, err := client.Get("http://169.254.169.254/latest/meta-data")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("the metadata service: %s, want 403", resp.Status)
	}
}

// The host's own proxy is the one thing on this machine that may be dialed: with it a
// request and a tunnel arrive.
func TestTheProxyGoesThroughTheHostsProxy(t *testing.T) {
	var asked []string
	hostProxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host)
		if r.Method == http.MethodConnect {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
			_ = conn.Close()
			return
		}
		_, _ = io.WriteString(w, "answer")
	}))
	defer hostProxy.Close()
	at, err := url.Parse(hostProxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	former := upstream
	upstream = http.ProxyURL(at)
	defer func() { upstream = former }()

	client := startProxy(t)
	resp, err := client.Get("http://deb.example/dists")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "answer" {
		t.Errorf("body %q, %v", body, err)
	}
	_ = resp.Body.Close()
	if _, err := client.Get("https://deb.example/"); err == nil { //nolint:bodyclose // there is none with an error
		t.Error("the tunnel's other end closed, and the client got an answer")
	}
	if got := strings.Join(asked, ", "); got != "GET deb.example, CONNECT deb.example:443" {
		t.Errorf("the host's proxy was asked for: %s", got)
	}
}

func TestForward(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer target.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); Forward(t.Context(), l, target.Listener.Addr().String()) }()
	resp, err := http.Post("http://"+l.Addr().String(), "text/plain", strings.NewReader("there and back"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "there and back" {
		t.Errorf("body %q, %v", body, err)
	}
	_ = resp.Body.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
}
