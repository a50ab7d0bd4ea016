package mockcloud

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// TestJWKSRedirects: where a key set's URL may lead is a setting. A federation may name
// a private address itself; what it names must not lead the mock to another.
func TestJWKSRedirects(t *testing.T) {
	w := newExchangeWorld(t)
	keys := *w.jwks.Load()
	var arrived atomic.Int32
	moved := func(to string) {
		w.publish(func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/moved") {
				arrived.Add(1)
				keys(rw, r)
				return
			}
			http.Redirect(rw, r, to, http.StatusFound)
		})
	}
	elsewhere := strings.TrimSuffix(w.jwksURL, "/jwks.json") + "/moved"
	for _, x := range []struct{ name, redirects, to, refused string }{
		{"never", settings.RedirectsNever, elsewhere, "jwks-status"},
		{"public, to a private address", settings.RedirectsPublic, elsewhere, "jwks-private-address"},
		{"public, to a name of one", settings.RedirectsPublic, strings.Replace(elsewhere, "127.0.0.1", "localhost", 1), "jwks-private-address"},
		{"public, to metadata", settings.RedirectsPublic, "https://169.254.169.254/moved", "jwks-private-address"},
		{"anywhere, without TLS", settings.RedirectsAnywhere, strings.Replace(elsewhere, "https", "http", 1), "jwks-not-https"},
		{"anywhere, in a circle", settings.RedirectsAnywhere, w.jwksURL, "jwks-status"},
		{"anywhere", settings.RedirectsAnywhere, elsewhere, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			w.T = t
			w.cloud.Settings().Change(func(s *settings.Settings) { s.JWKS.Redirects, s.JWKS.TTL = x.redirects, 0 })
			moved(x.to)
			before := arrived.Load()
			token := w.rs256(w.claims())
			if x.refused == "" {
				w.mustPass("a key set that moved", token)
				return
			}
			w.mustRefuse(w.post(w.form(token)), token, x.refused)
			if arrived.Load() != before {
				t.Error("the mock has asked where it was not to go")
			}
		})
	}
}

// TestJWKSRedirectToTheCloudItself: its own names are no private addresses, though
// they lead to this machine.
func TestJWKSRedirectToTheCloudItself(t *testing.T) {
	w := newExchangeWorld(t)
	w.cloud.Settings().Change(func(s *settings.Settings) { s.JWKS.Redirects = settings.RedirectsPublic })
	w.publish(http.RedirectHandler("https://storage.yandexcloud.net/nowhere/jwks.json", http.StatusFound).ServeHTTP)
	token := w.rs256(w.claims())
	w.mustRefuse(w.post(w.form(token)), token, "jwks-status")
	asked := w.cloud.Audit().Entries(func(e audit.Entry) bool { return e.Resource == "storage.bucket/nowhere" })
	if len(asked) != 1 {
		t.Errorf("object storage was asked %d times, want once", len(asked))
	}
}
