package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestTunnel: through it a client finds the mock under a real name, and nobody else.
func TestTunnel(t *testing.T) {
	a := newAuthority(t, t.TempDir())
	served := serve(t, a, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Method+" "+r.Host)
	}))
	tunnel := &Tunnel{Serves: func(host string) bool { return host == "iam.api.cloud.yandex.net" }, To: served, Else: http.NotFoundHandler()}
	// Without TLS: Go's client offers HTTP/2 to a proxy with it, and then cannot speak it.
	plain := httptest.NewServer(tunnel)
	defer plain.Close()
	proxy, err := url.Parse(plain.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: ClientTLS(a), ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	get := func(address string) (int, string, error) {
		resp, err := client.Get(address) //nolint:noctx // a local server of this test
		if err != nil {
			return 0, "", err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body), err
	}
	for range 2 {
		if status, body, err := get("https://iam.api.cloud.yandex.net/x"); err != nil || status != http.StatusOK || body != "GET iam.api.cloud.yandex.net" {
			t.Errorf("%d %q, %v", status, body, err)
		}
	}
	for _, elsewhere := range []string{"https://example.com/", "https://iam.api.cloud.yandex.net:444/", "https://" + served + "/"} {
		if _, _, err := get(elsewhere); err == nil || !strings.Contains(err.Error(), "Bad Gateway") {
			t.Errorf("%s: %v", elsewhere, err)
		}
	}
	client.Transport.(*http.Transport).Proxy = nil
	if status, _, err := get(proxy.String()); err != nil || status != http.StatusNotFound {
		t.Errorf("what is no CONNECT: %d, %v", status, err)
	}
}
