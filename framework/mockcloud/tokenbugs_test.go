package mockcloud

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// stranger is an issuer's key that no federation publishes.
var stranger = func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}()

func (w *exchangeWorld) strange(h header) string {
	return w.sign(h, w.claims(), jwa.RS256(), stranger)
}

// publicSet is a key set with one public key.
func (w *exchangeWorld) publicSet(kid string, public any) string {
	key, err := jwk.Import(public)
	if err != nil {
		w.Fatal(err)
	}
	if err := key.Set(jwk.KeyIDKey, kid); err != nil {
		w.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"keys": []any{key}})
	if err != nil {
		w.Fatal(err)
	}
	return string(raw)
}

// alsoServe answers one path of the key set's server with a text.
func (w *exchangeWorld) alsoServe(path, text string) {
	before := *w.jwks.Load()
	w.publish(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			_, _ = io.WriteString(rw, text)
			return
		}
		before(rw, r)
	})
}

// at is an address of the key set's server.
func (w *exchangeWorld) at(path string) string {
	return strings.TrimSuffix(w.jwksURL, "/jwks.json") + path
}

func (w *exchangeWorld) certificate() string {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stranger"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &stranger.PublicKey, stranger)
	if err != nil {
		w.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func cut(token string, n int) string { return token[:len(token)-n] }

func (w *exchangeWorld) hmacWithPEM() string {
	der, err := x509.MarshalPKIXPublicKey(&w.rsa.PublicKey)
	if err != nil {
		w.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return raw(w.T, header{"alg": "HS256", "kid": "rsa-1"}, w.claims(), func(input string) []byte {
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(input))
		return m.Sum(nil)
	})
}

func tokenTrials() map[string]bugTrial {
	jwkOf := func(w *exchangeWorld) jwk.Key {
		key, err := jwk.Import(&stranger.PublicKey)
		if err != nil {
			w.Fatal(err)
		}
		return key
	}
	jku := letsIn("signature", func(w *exchangeWorld) string { return w.strange(header{"kid": "rsa-1", "jku": w.at("/stranger.json")}) })
	jku.before = func(w *exchangeWorld) { w.alsoServe("/stranger.json", w.publicSet("rsa-1", &stranger.PublicKey)) }
	x5u := letsIn("signature", func(w *exchangeWorld) string { return w.strange(header{"kid": "rsa-1", "x5u": w.at("/stranger.pem")}) })
	x5u.before = func(w *exchangeWorld) { w.alsoServe("/stranger.pem", w.certificate()) }
	return map[string]bugTrial{
		"SignatureNotVerified":     letsIn("kid-unknown", func(w *exchangeWorld) string { return w.strange(header{"kid": "stranger"}) }),
		"InvalidSignatureAccepted": letsIn("signature", func(w *exchangeWorld) string { return w.strange(header{"kid": "rsa-1"}) }),
		"AlgNoneAccepted": letsIn("algorithm", func(w *exchangeWorld) string {
			return raw(w.T, header{"alg": "nOnE"}, w.claims(), func(string) []byte { return nil })
		}),
		"HS256WithPublicKeyAccepted": letsIn("algorithm", (*exchangeWorld).hmacWithPEM),
		"UnknownKidSkipsSignature":   letsIn("kid-unknown", func(w *exchangeWorld) string { return w.strange(header{"kid": "stranger"}) }),
		"EmbeddedJWKTrusted":         letsIn("signature", func(w *exchangeWorld) string { return w.strange(header{"kid": "rsa-1", "jwk": jwkOf(w)}) }),
		"JkuFollowed":                jku,
		"X5uFollowed":                x5u,
		"CritIgnored": letsIn("critical-header", func(w *exchangeWorld) string {
			return raw(w.T, header{"alg": "RS256", "kid": "rsa-1", "crit": []string{"urn:x"}, "urn:x": 1}, w.claims(), w.rsaSignature)
		}),
		"AlgorithmNotCompared": letsIn("algorithm", func(w *exchangeWorld) string {
			return w.sign(header{"kid": "rsa-1"}, w.claims(), jwa.PS512(), w.rsa)
		}),
		"ShortSignatureAccepted": letsIn("signature", func(w *exchangeWorld) string { return cut(w.rs256(w.claims()), 20) }),
		"OpaqueTokenAccepted":    letsIn("token-malformed", func(*exchangeWorld) string { return "hello" }),
		"OversizedTokenAccepted": letsIn("token-too-large", claiming("pad", is(strings.Repeat("x", 1<<20)))),

		"ExpiryIgnored":    letsIn("expired", claiming("exp", is(1))),
		"ExpiryOptional":   letsIn("exp-missing", claiming("exp", is(nil))),
		"NotBeforeIgnored": letsIn("not-yet-valid", claiming("nbf", func(w *exchangeWorld) any { return w.later(time.Hour) })),
		"LeewayOfADay":     letsIn("expired", claiming("exp", func(w *exchangeWorld) any { return w.later(-time.Hour) })),
		"ExpiryStringAccepted": letsIn("claims-malformed", claiming("exp", func(w *exchangeWorld) any {
			return strconv.FormatInt(w.later(time.Hour), 10)
		})),
	}
}

func (w *exchangeWorld) later(d time.Duration) int64 { return w.cloud.clock.Now().Add(d).Unix() }

func claimTrials() map[string]bugTrial {
	upper := strings.ToUpper
	iss := func(value string) func(*exchangeWorld) string { return claiming("iss", is(value)) }
	aud := func(value any) func(*exchangeWorld) string { return claiming("aud", is(value)) }
	sub := func(value any) func(*exchangeWorld) string { return claiming("sub", is(value)) }
	trials := map[string]bugTrial{
		"AnyIssuerAccepted":   letsIn("issuer", iss("https://issuer.example.org")),
		"IssuerSlashIgnored":  letsIn("issuer", iss(testIssuer+"/")),
		"IssuerSchemeIgnored": letsIn("issuer", iss(strings.Replace(testIssuer, "https", "http", 1))),
		"IssuerCaseIgnored":   letsIn("issuer", iss(upper(testIssuer))),
		"IssuerPrefixMatched": letsIn("issuer", iss(testIssuer+"-2")),

		"AnyAudienceAccepted":       letsIn("audience", aud("https://example.org")),
		"AudienceOptional":          letsIn("audience-missing", aud(nil)),
		"AudiencePrefixMatched":     letsIn("audience", aud(testIssuer+"-2")),
		"AccountAsAudienceAccepted": letsIn("audience", claiming("aud", func(w *exchangeWorld) any { return w.account.Id })),
		"AudienceListNotCompared":   letsIn("audience", aud([]string{"a", "b"})),

		"AnySubjectAccepted":      letsIn("subject", sub("system:serviceaccount:other:other")),
		"SubjectPrefixMatched":    letsIn("subject", sub(testSubject+"-2")),
		"SubjectBeginningMatched": letsIn("subject", sub(cut(testSubject, 1))),
		"SubjectSuffixMatched":    letsIn("subject", sub("x"+testSubject)),
		"SubjectCaseIgnored":      letsIn("subject", sub(upper(testSubject))),
		"SubjectNamespaceOnly":    letsIn("subject", sub("system:serviceaccount:default:other")),
		"SubjectNameOnly":         letsIn("subject", sub("system:serviceaccount:other:wlif")),
		"SubjectOptional":         letsIn("subject-missing", sub(nil)),
	}
	for name, x := range map[string]struct {
		linked, token, why string
	}{
		"SubjectWildcardsMatched": {"system:serviceaccount:*:wlif", "system:serviceaccount:any:wlif", "subject"},
		"SubjectRefIgnored":       {"project_path:g/p:ref_type:branch:ref:main", "project_path:g/p:ref_type:branch:ref:other", "subject"},
		"SubjectIDsStripped":      {"repo:o/r:ref:refs/heads/main", "repo:o@1/r@2:ref:refs/heads/main", "subject"},
	} {
		trial := letsIn(x.why, sub(x.token))
		trial.before = func(w *exchangeWorld) { w.link(w.account.Id, w.federation.Id, x.linked) }
		trials[name] = trial
	}
	refuses := func(why string, token func(*exchangeWorld) string) bugTrial {
		return bugTrial{probe: exchanging(token), strict: accepted, wrong: why}
	}
	trials["AudienceListRefused"] = refuses("audience", aud([]string{testIssuer, "b"}))
	trials["AudienceFirstOnly"] = refuses("audience", aud([]string{"a", testIssuer}))
	word := refuses("audience", aud("ycaud"))
	word.before = func(w *exchangeWorld) { w.setAudiences("ycaud") }
	trials["AudienceMustBeAddress"] = word
	pipeline := refuses("subject", sub("repo:o/r:ref:refs/heads/main"))
	pipeline.before = func(w *exchangeWorld) { w.link(w.account.Id, w.federation.Id, "repo:o/r:ref:refs/heads/main") }
	trials["SubjectMustBeKubernetes"] = pipeline
	return trials
}
