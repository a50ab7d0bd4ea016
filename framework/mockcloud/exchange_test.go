package mockcloud

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	// The mock verifies with go-jose, so its tests sign with another library.
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// TestTokensThatMustNotBeExchanged changes one thing of a good token at a time.
// The good one passes before and after each.
func TestTokensThatMustNotBeExchanged(t *testing.T) {
	w := newExchangeWorld(t)
	good := w.claims()
	now := w.cloud.clock.Now()
	attacker, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	attackerJWK, err := jwk.Import(&attacker.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&w.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	passing := w.rs256(good)
	parts := strings.Split(passing, ".")
	tampered, err := json.Marshal(with(good, "sub", testSubject+"x"))
	if err != nil {
		t.Fatal(err)
	}
	none := func(string) []byte { return nil }
	hs256 := func(input string) []byte {
		m := hmac.New(sha256.New, public)
		m.Write([]byte(input))
		return m.Sum(nil)
	}
	claim := func(name string, value any) string { return w.rs256(with(good, name, value)) }

	for _, x := range []struct{ name, token, reason string }{
		// shape
		{"empty", "", "parameter-missing"},
		{"not a jwt", "hello", "token-malformed"},
		{"two parts", parts[0] + "." + parts[1], "token-malformed"},
		{"four parts", passing + ".x", "token-malformed"},
		{"five parts, like a JWE", passing + ".x.y", "token-malformed"},
		{"truncated signature", passing[:len(passing)-10], "signature"},
		{"no signature", parts[0] + "." + parts[1] + ".", "signature"},
		{"newline at the end", passing + "\n", "token-malformed"},
		{"carriage return of a terminal", passing + "\r", "token-malformed"},
		{"space before", " " + passing, "token-malformed"},
		{"header no base64", "!!." + parts[1] + "." + parts[2], "token-malformed"},
		{"header no JSON", b64.EncodeToString([]byte("alg")) + "." + parts[1] + "." + parts[2], "token-header"},
		{"payload no JSON", parts[0] + "." + b64.EncodeToString([]byte("sub")) + "." + parts[2], "token-malformed"},
		{"payload an array", raw(t, header{"alg": "RS256", "kid": "rsa-1"}, []string{"x"}, w.rsaSignature), "claims-malformed"},
		{"oversized", claim("pad", strings.Repeat("x", 20<<10)), "token-too-large"},
		// algorithm
		{"alg none", raw(t, header{"alg": "none"}, good, none), "algorithm"},
		{"alg NoNe", raw(t, header{"alg": "NoNe", "kid": "rsa-1"}, good, none), "algorithm"},
		{"alg missing", raw(t, header{"kid": "rsa-1"}, good, w.rsaSignature), "algorithm"},
		{"HS256 with the public key", raw(t, header{"alg": "HS256", "kid": "rsa-1"}, good, hs256), "algorithm"},
		{"RS256 header over an HMAC", raw(t, header{"alg": "RS256", "kid": "rsa-1"}, good, hs256), "signature"},
		{"PS256", w.sign(header{"kid": "rsa-1"}, good, jwa.PS256(), w.rsa), "algorithm"},
		{"RS512", w.sign(header{"kid": "rsa-1"}, good, jwa.RS512(), w.rsa), "algorithm"},
		{"ES256 token with the kid of an RSA key", w.sign(header{"kid": "rsa-1"}, good, jwa.ES256(), w.ec), "key-type"},
		{"RS256 token with the kid of an EC key", w.sign(header{"kid": "ec-1"}, good, jwa.RS256(), w.rsa), "key-type"},
		// key
		{"kid missing", w.sign(nil, good, jwa.RS256(), w.rsa), "kid-missing"},
		{"kid unknown", w.sign(header{"kid": "rsa-9"}, good, jwa.RS256(), w.rsa), "kid-unknown"},
		{"kid in other case", w.sign(header{"kid": "RSA-1"}, good, jwa.RS256(), w.rsa), "kid-unknown"},
		{"kid a path", w.sign(header{"kid": "../../rsa-1"}, good, jwa.RS256(), w.rsa), "kid-unknown"},
		{"another key under the same kid", w.sign(header{"kid": "rsa-1"}, good, jwa.RS256(), attacker), "signature"},
		{"embedded jwk", w.sign(header{"kid": "rsa-1", "jwk": attackerJWK}, good, jwa.RS256(), attacker), "signature"},
		{"jku", w.sign(header{"kid": "rsa-1", "jku": w.jwksURL}, good, jwa.RS256(), attacker), "signature"},
		{"x5u", w.sign(header{"kid": "rsa-1", "x5u": w.jwksURL}, good, jwa.RS256(), attacker), "signature"},
		{"crit", raw(t, header{"alg": "RS256", "kid": "rsa-1", "crit": []string{"exp"}, "exp": 1}, good, w.rsaSignature), "critical-header"},
		{"tampered payload", parts[0] + "." + b64.EncodeToString(tampered) + "." + parts[2], "subject"},
		{"tampered times", parts[0] + "." + b64.EncodeToString(mustJSON(t, with(good, "exp", now.Add(9*time.Hour).Unix()))) + "." + parts[2], "signature"},
		// time
		{"expired", claim("exp", now.Add(-time.Second).Unix()), "expired"},
		{"exp now", claim("exp", now.Unix()), "expired"},
		{"exp missing", claim("exp", nil), "exp-missing"},
		{"exp a string", claim("exp", "tomorrow"), "claims-malformed"},
		{"nbf in the future", claim("nbf", now.Add(time.Hour).Unix()), "not-yet-valid"},
		{"iat in the future", claim("iat", now.Add(time.Hour).Unix()), "issued-in-future"},
		// issuer
		{"iss missing", claim("iss", nil), "issuer-missing"},
		{"iss of another", claim("iss", "https://issuer.example.com/clusters/two"), "issuer"},
		{"iss with a slash", claim("iss", testIssuer+"/"), "issuer"},
		{"iss with http", claim("iss", strings.Replace(testIssuer, "https", "http", 1)), "issuer"},
		{"iss in other case", claim("iss", strings.ToUpper(testIssuer)), "issuer"},
		{"iss with a port", claim("iss", strings.Replace(testIssuer, ".com", ".com:443", 1)), "issuer"},
		{"iss a number", claim("iss", 7), "claims-malformed"},
		// audience
		{"aud missing", claim("aud", nil), "audience-missing"},
		{"aud empty", claim("aud", ""), "audience-missing"},
		{"aud an empty list", claim("aud", []string{}), "audience-missing"},
		{"aud of another", claim("aud", "https://example.com"), "audience"},
		{"aud a list without a match", claim("aud", []string{"a", "b"}), "audience"},
		{"aud is the service account", claim("aud", w.account.Id), "audience"},
		{"aud in other case", claim("aud", strings.ToUpper(testIssuer)), "audience"},
		// subject
		{"sub missing", claim("sub", nil), "subject-missing"},
		{"sub of another namespace", claim("sub", "system:serviceaccount:kube-system:wlif"), "subject"},
		{"sub of another account", claim("sub", "system:serviceaccount:default:default"), "subject"},
		{"sub a prefix", claim("sub", testSubject[:len(testSubject)-1]), "subject"},
		{"sub with a suffix", claim("sub", testSubject+"-2"), "subject"},
		{"sub in other case", claim("sub", strings.ToUpper(testSubject)), "subject"},
		{"sub a wildcard", claim("sub", "system:serviceaccount:*:wlif"), "subject"},
		{"sub in another script", claim("sub", strings.Replace(testSubject, "a", "а", 1)), "subject"},
	} {
		t.Run(x.name, func(t *testing.T) {
			w.T = t
			w.mustRefuse(w.post(w.form(x.token)), x.token, x.reason)
			w.mustPass("the good token afterwards", w.rs256(good))
		})
	}
}

func TestTokensThatMustBeExchanged(t *testing.T) {
	w := newExchangeWorld(t)
	good := w.claims()
	w.mustPass("RS256", w.rs256(good))
	w.mustPass("ES256", w.sign(header{"kid": "ec-1"}, good, jwa.ES256(), w.ec))
	w.mustPass("aud a string", w.rs256(with(good, "aud", testIssuer)))
	w.mustPass("aud a list with one match", w.rs256(with(good, "aud", []string{"a", testIssuer, "b"})))
	w.mustPass("jku to its own keys, ignored", w.sign(header{"kid": "rsa-1", "jku": "https://attacker.example.com"}, good, jwa.RS256(), w.rsa))
	form := w.form(w.rs256(good))
	form.Set("scope", "")
	form.Set("resource", "https://example.com")
	if a := w.post(form); a.Status != http.StatusOK {
		t.Errorf("extra parameters: status %d, reason %q", a.Status, w.reason(a))
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	w := newExchangeWorld(t)
	token := w.rs256(w.claims())
	for name := range w.form(token) {
		for how, change := range map[string]func(url.Values){
			"missing": func(f url.Values) { f.Del(name) },
			"empty":   func(f url.Values) { f.Set(name, "") },
			"twice":   func(f url.Values) { f.Add(name, f.Get(name)) },
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				w.T = t
				f := w.form(token)
				change(f)
				w.mustRefuse(w.post(f), token, map[string]string{"missing": "parameter-missing", "empty": "parameter-missing", "twice": "parameter-twice"}[how])
			})
		}
	}
	for name, why := range map[string]string{"grant_type": "grant-type", "requested_token_type": "requested-token-type", "subject_token_type": "subject-token-type"} {
		t.Run("wrong "+name, func(t *testing.T) {
			w.T = t
			f := w.form(token)
			f.Set(name, "urn:ietf:params:oauth:other")
			w.mustRefuse(w.post(f), token, why)
		})
	}
	t.Run("GET", func(t *testing.T) { w.T = t; w.mustRefuse(w.do(http.MethodGet, "", ""), token, "method") })
	t.Run("JSON", func(t *testing.T) {
		w.T = t
		w.mustRefuse(w.do(http.MethodPost, "application/json", `{"subject_token":"x"}`), token, "content-type")
	})
	t.Run("no content type", func(t *testing.T) {
		w.T = t
		w.mustRefuse(w.do(http.MethodPost, "", w.form(token).Encode()), token, "content-type")
	})
	t.Run("broken escapes", func(t *testing.T) {
		w.T = t
		w.mustRefuse(w.do(http.MethodPost, "application/x-www-form-urlencoded", "a=%zz"), token, "malformed-body")
	})
}

// TestStatesThatRefuse changes something in the cloud instead of the token.
func TestStatesThatRefuse(t *testing.T) {
	type step struct {
		name, reason string
		change       func(*exchangeWorld)
		undo         func(*exchangeWorld) // nil: cannot be undone
	}
	update := func(mask string, req *oidc.UpdateFederationRequest) func(*exchangeWorld) {
		return func(w *exchangeWorld) {
			req.FederationId, req.UpdateMask = w.federation.Id, &fieldmaskpb.FieldMask{Paths: []string{mask}}
			op, err := oidc.NewFederationServiceClient(w.conn).Update(w.Context(), req)
			must[*oidc.Federation](w.T, op, err)
		}
	}
	jwks := func(h http.HandlerFunc) func(*exchangeWorld) {
		return func(w *exchangeWorld) {
			w.publish(h)
			w.cloud.Settings().Change(func(s *settings.Settings) { s.JWKS.TTL = 0; s.JWKS.MaxBytes = 4096 })
		}
	}
	for _, x := range []step{
		{"federation disabled", "federation-disabled", update("disabled", &oidc.UpdateFederationRequest{Disabled: true}), update("disabled", &oidc.UpdateFederationRequest{})},
		{"audience removed", "audience", update("audiences", &oidc.UpdateFederationRequest{Audiences: []string{"https://example.com"}}),
			update("audiences", &oidc.UpdateFederationRequest{Audiences: []string{testIssuer}})},
		{"jwks_url to plain http", "jwks-not-https", update("jwks_url", &oidc.UpdateFederationRequest{JwksUrl: "http://127.0.0.1/jwks.json"}), nil},
		{"jwks_url to nobody", "jwks-unreachable", update("jwks_url", &oidc.UpdateFederationRequest{JwksUrl: "https://127.0.0.1:1/jwks.json"}), nil},
		{"credential deleted", "not-linked", func(w *exchangeWorld) {
			op, err := workload.NewFederatedCredentialServiceClient(w.conn).Delete(w.Context(), &workload.DeleteFederatedCredentialRequest{FederatedCredentialId: w.credential.Id})
			if err != nil || op.GetError() != nil {
				w.Fatal(err, op.GetError())
			}
		}, nil},
		{"service account suspended", "service-account-status", func(w *exchangeWorld) {
			op, err := iam.NewServiceAccountServiceClient(w.conn).Suspend(w.Context(), &iam.SuspendServiceAccountRequest{ServiceAccountId: w.account.Id})
			must[*iam.SuspendServiceAccountResponse](w.T, op, err)
		}, func(w *exchangeWorld) {
			op, err := iam.NewServiceAccountServiceClient(w.conn).Reactivate(w.Context(), &iam.ReactivateServiceAccountRequest{ServiceAccountId: w.account.Id})
			must[*iam.ReactivateServiceAccountResponse](w.T, op, err)
		}},
		{"service account expired", "service-account-expired", func(w *exchangeWorld) {
			op, err := iam.NewServiceAccountServiceClient(w.conn).Update(w.Context(), &iam.UpdateServiceAccountRequest{ServiceAccountId: w.account.Id, Name: w.account.Name,
				ExpiresAt: timestamppb.New(w.cloud.clock.Now().Add(-time.Minute)), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"expires_at"}}})
			must[*iam.ServiceAccount](w.T, op, err)
		}, nil},
		{"service account deleted", "service-account-unknown", func(w *exchangeWorld) {
			op, err := iam.NewServiceAccountServiceClient(w.conn).Delete(w.Context(), &iam.DeleteServiceAccountRequest{ServiceAccountId: w.account.Id})
			if err != nil || op.GetError() != nil {
				w.Fatal(err, op.GetError())
			}
		}, nil},
		{"preview not granted", "preview", func(w *exchangeWorld) {
			w.cloud.Settings().Change(func(s *settings.Settings) { s.PreviewDenied = true })
		}, func(w *exchangeWorld) {
			w.cloud.Settings().Change(func(s *settings.Settings) { s.PreviewDenied = false })
		}},
		{"another service account asked for", "not-linked", func(w *exchangeWorld) { w.account, w.other = w.other, w.account },
			func(w *exchangeWorld) { w.account, w.other = w.other, w.account }},
		{"JWKS 404", "jwks-status", jwks(http.NotFound), nil},
		{"JWKS 500", "jwks-status", jwks(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }), nil},
		{"JWKS redirects", "jwks-status", jwks(http.RedirectHandler("https://example.com", http.StatusFound).ServeHTTP), nil},
		{"JWKS is a page", "jwks-malformed", jwks(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "<html>") }), nil},
		{"JWKS has no keys", "jwks-malformed", jwks(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "{}") }), nil},
		{"JWKS is empty", "kid-unknown", jwks(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, `{"keys":[]}`) }), nil},
		{"JWKS huge", "jwks-too-large", jwks(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, strings.Repeat(" ", 5000)) }), nil},
		{"JWKS never answers", "jwks-unreachable", jwks(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newExchangeWorld(t)
			token := w.rs256(w.claims())
			w.mustPass("before", token)
			x.change(w)
			w.mustRefuse(w.post(w.form(token)), token, x.reason)
			if x.undo != nil {
				x.undo(w)
				w.mustPass("after it was undone", token)
			}
		})
	}
}

// TestUnknownKidsDoNotFloodTheIssuer: a refetch for an unknown kid is bounded.
func TestUnknownKidsDoNotFloodTheIssuer(t *testing.T) {
	w := newExchangeWorld(t)
	w.cloud.Settings().Change(func(s *settings.Settings) { s.JWKS.RefetchEvery = settings.Duration(time.Hour) })
	w.mustPass("the first", w.rs256(w.claims()))
	before := w.fetches.Load()
	for range 50 {
		w.mustRefuse(w.post(w.form(w.sign(header{"kid": rand.Text()}, w.claims(), jwa.RS256(), w.rsa))), "", "kid-unknown")
	}
	if got := w.fetches.Load() - before; got != 0 {
		t.Errorf("50 unknown kids within the hour made %d fetches, want none", got)
	}
}

// TestEachFolderKeepsItsKeySets: what the federations of one folder have fetched is
// fetched once, and is not those of another.
func TestEachFolderKeepsItsKeySets(t *testing.T) {
	w := newExchangeWorld(t)
	w.cloud.Settings().Change(func(s *settings.Settings) { s.JWKS.TTL = settings.Duration(time.Hour) })
	fetched := func(what string, want int32) {
		t.Helper()
		before := w.fetches.Load()
		w.mustPass(what, w.rs256(w.claims()))
		if got := w.fetches.Load() - before; got != want {
			t.Errorf("%s: %d fetches, want %d", what, got, want)
		}
	}
	fetched("the first", 1)
	fetched("the second", 0)
	elsewhere := w.addFederation(w.cloud.World().OtherFolderID, testIssuer, w.jwksURL)
	w.deleteCredential()
	w.link(w.account.Id, elsewhere.Id, testSubject)
	fetched("the first of another folder", 1)
	fetched("the second of another folder", 0)
}

// TestAnUnknownKidDoesNotSpoilTheKeys: whoever sends one while the issuer is away
// must not lock out those whose key is known.
func TestAnUnknownKidDoesNotSpoilTheKeys(t *testing.T) {
	w := newExchangeWorld(t)
	w.mustPass("the first", w.rs256(w.claims()))
	w.publish(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
	w.mustRefuse(w.post(w.form(w.sign(header{"kid": "other"}, w.claims(), jwa.RS256(), w.rsa))), "", "jwks-status")
	w.mustPass("with a known key", w.rs256(w.claims()))
}

// TestFaultsOfTheTokenEndpoint: a fault answers with its code, and the audit log
// knows the run that was hit.
func TestFaultsOfTheTokenEndpoint(t *testing.T) {
	w := newExchangeWorld(t)
	for _, x := range []struct {
		code   string
		status int
		error  string
	}{
		{"UNAVAILABLE", http.StatusServiceUnavailable, "temporarily_unavailable"},
		{"INTERNAL", http.StatusInternalServerError, "server_error"},
		{"RESOURCE_EXHAUSTED", http.StatusTooManyRequests, "invalid_request"},
	} {
		w.cloud.Settings().Change(func(s *settings.Settings) {
			s.Faults = []settings.Fault{{Method: "oauth/token", Calls: 1, Code: x.code, Message: "for now"}}
		})
		a := w.post(w.form(w.rs256(w.claims())))
		if a.Status != x.status || a.Error != x.error || a.Description != "for now" || w.reason(a) != "fault" {
			t.Errorf("%s: status %d, error %q, reason %q", x.code, a.Status, a.Error, w.reason(a))
		}
		w.mustPass("after the fault", w.rs256(w.claims()))
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.cloud.Announcement().TokenEndpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "curl wlif-conformance/rabcde42")
	resp, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if e, _ := w.cloud.Audit().ByRequest(resp.Header.Get("X-Request-Id")); e.Run != "rabcde42" {
		t.Errorf("the audited run is %q", e.Run)
	}
}
