package mockcloud

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// serving makes the key set's server answer otherwise.
func serving(h http.HandlerFunc) func(*exchangeWorld) {
	return func(w *exchangeWorld) { w.publish(h) }
}

func servingStatus(code int) func(*exchangeWorld) {
	return serving(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(code) })
}

func servingText(s string) func(*exchangeWorld) {
	return serving(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, s) })
}

// stall makes the key set's server not answer; nobody waits long for it.
func (w *exchangeWorld) stall() {
	w.publish(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	w.cloud.Settings().Change(func(s *settings.Settings) { s.JWKS.Timeout = settings.Duration(200 * time.Millisecond) })
}

func keyTrials() map[string]bugTrial {
	const discovery = "/tenant/.well-known/openid-configuration"
	forgiven := func(why string, before func(*exchangeWorld)) bugTrial {
		return bugTrial{before: before, probe: good, strict: why, wrong: accepted}
	}
	return map[string]bugTrial{
		"JWKSNotFoundForgiven":    forgiven("jwks-status", servingStatus(http.StatusNotFound)),
		"JWKSForbiddenForgiven":   forgiven("jwks-status", servingStatus(http.StatusForbidden)),
		"JWKSServerErrorForgiven": forgiven("jwks-status", servingStatus(http.StatusInternalServerError)),
		"JWKSTimeoutForgiven":     forgiven("jwks-unreachable", (*exchangeWorld).stall),
		"JWKSPageForgiven":        forgiven("jwks-malformed", servingText("<html>")),
		"JWKSKeyTypeForgiven":     forgiven("key-type", func(w *exchangeWorld) { servingText(w.publicSet("rsa-1", &w.ec.PublicKey))(w) }),
		"JWKSOfAnySize": forgiven("jwks-too-large", func(w *exchangeWorld) {
			servingText(w.publicSet("rsa-1", &w.rsa.PublicKey) + strings.Repeat(" ", 100<<10))(w)
		}),
		"JWKSCertificateNotChecked": forgiven("jwks-unreachable", func(w *exchangeWorld) {
			impostor := httptest.NewUnstartedServer(*w.jwks.Load())
			impostor.Config.ErrorLog = log.New(io.Discard, "", 0)
			impostor.StartTLS()
			w.Cleanup(impostor.Close)
			w.setKeys(impostor.URL + "/jwks.json")
		}),
		"JWKSFetchedOnce": forgiven("kid-unknown", servingText(`{"keys":[]}`)),
		"JWKSFetchedForEveryKid": {probe: flood, strict: "at most 1 fetch", wrong: "5 fetches",
			before: func(w *exchangeWorld) {
				w.cloud.Settings().Change(func(s *settings.Settings) {
					s.JWKS.TTL, s.JWKS.RefetchEvery = settings.Duration(time.Hour), settings.Duration(time.Hour)
				})
			}},
		"JWKSDiscovered":         {probe: good, strict: accepted, wrong: "jwks-unreachable"},
		"JWKSMustLieBelowIssuer": {probe: good, strict: accepted, wrong: "jwks-unreachable"},
		"IssuerTrustedByDiscovery": {strict: "issuer", wrong: accepted,
			before: func(w *exchangeWorld) {
				w.alsoServe(discovery, fmt.Sprintf(`{"jwks_uri":%q}`, w.at("/stranger.json")))
				w.alsoServe("/stranger.json", w.publicSet("stranger", &stranger.PublicKey))
			},
			probe: exchanging(func(w *exchangeWorld) string {
				return w.sign(header{"kid": "stranger"}, with(w.claims(), "iss", w.at("/tenant")), jwa.RS256(), stranger)
			})},
		"KeysOfEveryFederation": {strict: "kid-unknown", wrong: accepted,
			before: func(w *exchangeWorld) {
				w.alsoServe("/stranger.json", w.publicSet("stranger", &stranger.PublicKey))
				w.addFederation(w.cloud.World().FolderID, "https://issuer.example.org", w.at("/stranger.json"))
			},
			probe: exchanging(func(w *exchangeWorld) string { return w.strange(header{"kid": "stranger"}) })},
	}
}

// flood counts what five unknown kids make be fetched.
func flood(w *exchangeWorld) string {
	before := w.fetches.Load()
	for i := range 5 {
		exchanging(func(w *exchangeWorld) string { return w.strange(header{"kid": fmt.Sprintf("unknown-%d", i)}) })(w)
	}
	if n := w.fetches.Load() - before; n > 1 {
		return fmt.Sprintf("%d fetches", n)
	}
	return "at most 1 fetch"
}
