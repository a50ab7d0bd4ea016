package nodeagent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/pki"
)

// TestServerListensOnLoopback alone, and lets nobody in but the API server.
func TestServerListensOnLoopback(t *testing.T) {
	authority, err := pki.LoadAuthority(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	issue := func(name string, hosts ...string) pki.Pair {
		t.Helper()
		pair, err := authority.Issue(name, nil, hosts)
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	at := func(address string) (*server, error) {
		return startServer(&Agent{cfg: Config{Address: address, Serving: issue("node", "127.0.0.1"), ClientCA: authority.PEM, ClientName: "the-api-server"}})
	}
	for _, address := range []string{"", "0.0.0.0", "::", "192.0.2.1", "localhost"} {
		if s, err := at(address); err == nil {
			t.Errorf("it listens on %q", address)
			_ = s.close()
		}
	}
	s, err := at("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM)
	for name, want := range map[string]int{"the-api-server": http.StatusOK, "a-node": http.StatusForbidden, "": 0} {
		config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		if name != "" {
			pair := issue(name)
			certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{certificate}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		got, err := statusOf(t.Context(), client, "https://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(int(s.port)))+"/healthz")
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q is answered %d, %v; want %d", name, got, err, want)
		}
		client.CloseIdleConnections()
	}
}

func statusOf(ctx context.Context, client *http.Client, address string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
