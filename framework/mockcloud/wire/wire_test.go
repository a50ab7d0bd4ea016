package wire

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
)

func newAuthority(t *testing.T, dir string) *Authority {
	t.Helper()
	a, err := NewAuthority(dir, func(name string) bool { return name == "iam.api.cloud.yandex.net" || name == "localhost" })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// serve answers with the authority's certificates and returns the address.
func serve(t *testing.T, a *Authority, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, TLSConfig: a.TLS(), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func TestCertificatesForTheNameAskedFor(t *testing.T) {
	a := newAuthority(t, t.TempDir())
	address := serve(t, a, http.NotFoundHandler())
	dialer := &tls.Dialer{}
	for _, x := range []struct {
		name string // "" dials by address, without SNI
		good bool
	}{
		{"iam.api.cloud.yandex.net", true}, {"localhost", true}, {"", true},
		{"example.com", false}, {"iam.api.cloud.yandex.net.example.com", false}, {"x.iam.api.cloud.yandex.net", false},
	} {
		dialer.Config = &tls.Config{RootCAs: a.Pool(), ServerName: x.name, MinVersion: tls.VersionTLS12}
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if (err == nil) != x.good {
			t.Errorf("%q: %v", x.name, err)
		}
		if err != nil {
			continue
		}
		leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
		if want := x.name; want == "" {
			if len(leaf.IPAddresses) != 1 || leaf.IPAddresses[0].String() != "127.0.0.1" || len(leaf.DNSNames) != 0 {
				t.Errorf("by address: a certificate for %v and %v", leaf.IPAddresses, leaf.DNSNames)
			}
		} else if len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != want {
			t.Errorf("%q: a certificate for %v", want, leaf.DNSNames)
		}
		_ = conn.Close()
	}
	first, err := a.leaf("localhost")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := a.leaf("localhost"); err != nil || again != first {
		t.Errorf("another certificate for the same name (%v)", err)
	}
}

// The authority stays the one of its folder: a client's CA file outlives a restart.
func TestTheAuthorityOfAFolder(t *testing.T) {
	dir := t.TempDir()
	first, second, other := newAuthority(t, dir), newAuthority(t, dir), newAuthority(t, t.TempDir())
	if string(first.PEM()) != string(second.PEM()) || string(first.PEM()) == string(other.PEM()) {
		t.Error("an authority for each start, or one for all folders")
	}
	leaf, err := second.leaf("localhost")
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		a    *Authority
		good bool
	}{"its own": {first, true}, "another": {other, false}} {
		if _, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: x.a.Pool(), DNSName: "localhost"}); (err == nil) != x.good {
			t.Errorf("with %s authority: %v", name, err)
		}
	}
	for _, file := range []string{caFile, caKeyFile, bundleFile} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	bundle, err := os.ReadFile(filepath.Join(dir, bundleFile))
	if err != nil || !strings.HasSuffix(string(bundle), string(first.PEM())) {
		t.Errorf("the bundle does not end with the authority (%v)", err)
	}
}

func TestAnAuthorityThatCannotBeRead(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"no PEM":      func(dir string) error { return os.WriteFile(filepath.Join(dir, caFile), []byte("damaged"), 0o600) },
		"another key": func(dir string) error { return copyKey(dir, t.TempDir()) },
		"key is a CA's certificate": func(dir string) error {
			raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}})
			return os.WriteFile(filepath.Join(dir, caKeyFile), raw, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			newAuthority(t, dir)
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := NewAuthority(dir, nil); err == nil || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func copyKey(to, other string) error {
	if _, err := NewAuthority(other, nil); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(other, caKeyFile))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, caKeyFile), raw, 0o600)
}

func TestWhoAnswers(t *testing.T) {
	says := func(who string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, who) })
	}
	m := &Mux{GRPC: grpc.NewServer(), REST: says("rest"), ByHost: map[string]http.Handler{"storage.yandexcloud.net": says("storage")},
		ByPath: map[string]http.Handler{"/oauth/token": says("token"), "/review/": says("review")}}
	for url, want := range map[string]string{
		"https://iam.api.cloud.yandex.net/iam/v1/tokens":   "rest",
		"https://storage.yandexcloud.net/b/k":              "storage",
		"https://storage.yandexcloud.net:8443/oauth/token": "storage",
		"https://b.storage.yandexcloud.net/k":              "storage",
		"https://notstorage.yandexcloud.net/k":             "rest",
		"https://auth.yandex.cloud/oauth/token":            "token",
		"https://127.0.0.1:8443/oauth/token":               "token",
		"https://auth.yandex.cloud/oauth/token/more":       "rest",
		"https://127.0.0.1:8443/review/cat1":               "review",
		"https://127.0.0.1:8443/reviews":                   "rest",
		"https://127.0.0.1:8443/":                          "rest",
	} {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
		if got := w.Body.String(); got != want {
			t.Errorf("%s: %q answers, want %q", url, got, want)
		}
	}
}
