package webhost

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/wire"
)

func TestServer(t *testing.T) {
	dir := t.TempDir()
	authority, err := wire.NewAuthority(dir, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	host := config.WebHost{Address: "127.0.0.1", Listen: "127.0.0.1:0", Certificate: filepath.Join(dir, "web.pem"), Key: filepath.Join(dir, "web.key")}
	if _, err := Start(t.Context(), host); err == nil || !strings.Contains(err.Error(), "web_host.certificate") {
		t.Errorf("without a certificate: %v", err)
	}
	if err := authority.WriteLeaf("127.0.0.1", host.Certificate, host.Key); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(host.Key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %v, error %v", info.Mode(), err)
	}
	s, err := Start(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(authority)}}}
	get := func() (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/jwks.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return answer.Status + " " + string(body), err
	}
	if text, err := get(); err != nil || !strings.HasPrefix(text, "404") {
		t.Errorf("untold: %s, %v", text, err)
	}
	s.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "keys") }))
	for _, strange := range []bool{true, false} {
		if err := s.Estrange(strange); err != nil {
			t.Fatal(err)
		}
		text, err := get()
		if strange != (err != nil) || !strange && text != "200 OK keys" {
			t.Errorf("strange %v: %s, %v", strange, text, err)
		}
	}
	again, err := Start(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if path(t, again) == path(t, s) {
		t.Error("two servers have the same path: at the same port they would be one for whoever remembers keys")
	}
	if s.Asked() != 2 {
		t.Errorf("asked %d times", s.Asked())
	}
}

func path(t *testing.T, s *Server) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

func pool(a *wire.Authority) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	return roots
}
