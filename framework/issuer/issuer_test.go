package issuer_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
)

const (
	url     = "https://issuer.example.com/one"
	subject = "system:serviceaccount:default:wlif"
)

// ours is made once: an RSA key takes its time.
var ours, stranger = func() (*issuer.Issuer, *issuer.Issuer) {
	a, err := issuer.New(url)
	if err != nil {
		panic(err)
	}
	b, err := issuer.New(url)
	if err != nil {
		panic(err)
	}
	return a, b
}()

// A verifier that is no code of ours, and not of the library that signs, takes
// the default token of each kind of key from the set of all of them, and finds
// what it should in it.
func TestTheDefaultPassesAnotherVerifier(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(issuer.JWKS(ours.Keys()...))
	}))
	defer server.Close()
	verifier := oidc.NewVerifier(url, oidc.NewRemoteKeySet(t.Context(), server.URL), &oidc.Config{ClientID: "audience",
		SupportedSigningAlgs: []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "EdDSA"}})
	for _, key := range ours.Keys() {
		token, err := ours.Forge(ours.Claims(subject, "another", "audience"), issuer.SignedBy(key))
		if err != nil {
			t.Fatal(err)
		}
		got, err := verifier.Verify(t.Context(), token.Reveal())
		if err != nil {
			t.Errorf("%v: %v", key, err)
			continue
		}
		if got.Subject != subject || time.Until(got.Expiry).Round(time.Minute) != time.Hour || got.IssuedAt.After(time.Now()) {
			t.Errorf("%v: subject %q, expires %s, issued %s", key, got.Subject, got.Expiry, got.IssuedAt)
		}
	}
}

// Every algorithm of a key passes the other library too.
func TestAlgorithms(t *testing.T) {
	for kind, algorithms := range map[issuer.Kind][]string{issuer.RSA: {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
		issuer.EC: {"ES256"}, issuer.Ed25519: {"EdDSA"}} {
		for _, algorithm := range algorithms {
			key, err := ours.Key(kind).Using(algorithm)
			if err != nil {
				t.Fatal(err)
			}
			token, err := ours.Forge(ours.Claims(subject), issuer.SignedBy(key))
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := jose.ParseSignedCompact(token.Reveal(), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
			if err != nil {
				t.Fatalf("%s: %v", algorithm, err)
			}
			var set jose.JSONWebKeySet
			if err := json.Unmarshal(issuer.JWKS(ours.Key(issuer.EC), key), &set); err != nil {
				t.Fatal(err)
			}
			if _, err := parsed.Verify(&set); err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
		}
	}
	if _, err := ours.Key(issuer.EC).Using("RS256"); err == nil || !strings.Contains(err.Error(), "ES256") {
		t.Errorf("an EC key took RS256: %v", err)
	}
}

func TestTheKeySetIsPublic(t *testing.T) {
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(issuer.JWKS(ours.Keys()...), &set); err != nil {
		t.Fatal(err)
	}
	members := map[string]string{"RSA": "alg e kid kty n use", "EC": "alg crv kid kty use x y", "OKP": "alg crv kid kty use x"}
	if len(set.Keys) != len(members) {
		t.Fatalf("%d keys", len(set.Keys))
	}
	for i, key := range set.Keys {
		want := members[key["kty"].(string)]
		if got := strings.Join(sorted(key), " "); got != want {
			t.Errorf("key %v has the members %s, want %s", key["kty"], got, want)
		}
		if key["kid"] != ours.Keys()[i].ID() || key["alg"] != ours.Keys()[i].Algorithm() || key["use"] != "sig" {
			t.Errorf("key %d: %v", i, key)
		}
	}
	if got := string(issuer.JWKS()); got != `{"keys":[]}` {
		t.Errorf("the empty set is %s", got)
	}
	spoilt := ours.Key(issuer.RSA).JWK()
	delete(spoilt, "n")
	if ours.Key(issuer.RSA).JWK()["n"] == nil {
		t.Error("who changes a JWK changes the key")
	}
}

func TestKeysHaveNames(t *testing.T) {
	given, err := issuer.NewKey(issuer.EC, "given")
	if err != nil {
		t.Fatal(err)
	}
	if given.ID() != "given" || given.Named("other").ID() != "other" || given.ID() != "given" {
		t.Errorf("the key is called %s", given.ID())
	}
	if a, b := ours.Key(issuer.EC).ID(), stranger.Key(issuer.EC).ID(); a == "" || a == b {
		t.Errorf("two keys are called %s and %s", a, b)
	}
	if _, err := issuer.NewKey("P-256", ""); err == nil || !strings.Contains(err.Error(), "Ed25519") {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestNothingIsPrinted(t *testing.T) {
	token, err := ours.Forge(ours.Claims(subject, "audience"))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		if got := fmt.Sprintf(verb, token); strings.Contains(got, token.Reveal()[:8]) {
			t.Errorf("%s prints the token", verb)
		}
		for _, key := range ours.Keys() {
			if got, want := fmt.Sprintf(verb, key), string(key.Kind())+" key "+key.ID(); got != want {
				t.Errorf("%s prints a key of kind %s as %d characters, want %q", verb, key.Kind(), len(got), want)
			}
		}
	}
}
