package keyset

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
)

func newIssuer(t *testing.T) *issuer.Issuer {
	t.Helper()
	i, err := issuer.New("https://issuer.example")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func parse(t *testing.T, raw []byte) *Set {
	t.Helper()
	s, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func forge(t *testing.T, i *issuer.Issuer, mutations ...issuer.Mutation) exchange.Token {
	t.Helper()
	token, err := i.Forge(i.Claims("subject", "audience"), mutations...)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// spoiled is a key set of one key with some members changed; nil removes one.
func spoiled(t *testing.T, k *issuer.Key, changes map[string]any) []byte {
	t.Helper()
	member := k.JWK()
	for name, value := range changes {
		if member[name] = value; value == nil {
			delete(member, name)
		}
	}
	raw, err := json.Marshal(map[string]any{"keys": []any{member}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSetInOrder(t *testing.T) {
	i := newIssuer(t)
	s := parse(t, issuer.JWKS(i.Keys()...))
	if found := slices.Concat(s.Problems(), s.Secrets(), s.Lacks(s)); len(found) != 0 {
		t.Errorf("found %q in a set in order", found)
	}
	if len(s.IDs()) != 3 || s.IDs()[0] != i.Key(issuer.RSA).ID() {
		t.Errorf("ids %q", s.IDs())
	}
	for _, kind := range issuer.Kinds() {
		if err := s.Verify(forge(t, i, issuer.SignedBy(i.Key(kind)))); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestProblemsOfKeys(t *testing.T) {
	i := newIssuer(t)
	rsa := i.Key(issuer.RSA)
	for _, tc := range []struct {
		name    string
		changes map[string]any
		want    string
	}{
		{"no kid", map[string]any{"kid": nil}, "has no kid"},
		{"kid is a number", map[string]any{"kid": 7}, "has no kid"},
		{"no kty", map[string]any{"kty": nil}, "cannot be read|no asymmetric key"},
		{"symmetric", map[string]any{"kty": "oct", "k": "AAAA"}, `has kty "oct"`},
		{"no alg", map[string]any{"alg": nil}, `has alg ""`},
		{"alg of another kind", map[string]any{"alg": "ES256"}, `has alg "ES256"`},
		{"for encryption", map[string]any{"use": "enc"}, `has use "enc"`},
		{"no use", map[string]any{"use": nil}, `has use ""`},
		{"no modulus", map[string]any{"n": nil}, "cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found := strings.Join(parse(t, spoiled(t, rsa, tc.changes)).Problems(), "; ")
			for want := range strings.SplitSeq(tc.want, "|") {
				if !strings.Contains(found, want) {
					t.Errorf("problems %q, want %q", found, want)
				}
			}
		})
	}
	if found := parse(t, issuer.JWKS(rsa, rsa)).Problems(); len(found) != 1 || !strings.Contains(found[0], "twice") {
		t.Errorf("of a key that is there twice: %q", found)
	}
	if found := parse(t, issuer.JWKS()).Problems(); len(found) != 1 {
		t.Errorf("of an empty set: %q", found)
	}
}

func TestSecretsAreFound(t *testing.T) {
	k := newIssuer(t).Key(issuer.RSA)
	for _, member := range privateMembers {
		found := parse(t, spoiled(t, k, map[string]any{member: "canary"})).Secrets()
		if len(found) != 1 || !strings.HasSuffix(found[0], " has "+member) || strings.Contains(found[0], "canary") {
			t.Errorf("%s: %q", member, found)
		}
	}
}

func TestNoKeySet(t *testing.T) {
	for _, raw := range []string{"", "null", "[]", `{"keys":null}`, `{"keys":{}}`, `{"key":[]}`, "<html>canary"} {
		if _, err := Parse([]byte(raw)); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	i, stranger := newIssuer(t), newIssuer(t)
	s := parse(t, issuer.JWKS(i.Keys()...))
	for _, tc := range []struct {
		name     string
		mutation issuer.Mutation
		unknown  bool
	}{
		{"unknown kid", issuer.SignedBy(stranger.Key(issuer.RSA)), true},
		{"no kid", issuer.WithoutHeader("kid"), true},
		{"another's signature", issuer.SignatureOf(stranger.Key(issuer.RSA)), false},
		{"tampered", issuer.Tampered("sub", "other"), false},
		{"unsigned", issuer.Unsigned(), false},
		{"HMAC with the public key", issuer.HMACWithPublicKey(issuer.PEM), false},
		{"algorithm of another kind", issuer.WithHeader("alg", "ES256"), false},
		{"truncated", issuer.Truncated(4), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			token := forge(t, i, tc.mutation)
			err := s.Verify(token)
			if err == nil || errors.Is(err, ErrUnknownKey) != tc.unknown {
				t.Fatalf("error = %v", err)
			}
			if payload := strings.Split(token.Reveal(), ".")[1]; strings.Contains(err.Error(), payload) {
				t.Errorf("the error quotes the token: %v", err)
			}
		})
	}
	if err := s.Verify("no token"); err == nil {
		t.Error("what is no token verifies")
	}
}

func TestLacks(t *testing.T) {
	i, other := newIssuer(t), newIssuer(t)
	rsa, ec := i.Key(issuer.RSA), i.Key(issuer.EC)
	all := parse(t, issuer.JWKS(rsa, ec))
	for _, tc := range []struct {
		name string
		have *Set
		want string
	}{
		{"all", all, ""},
		{"one is missing", parse(t, issuer.JWKS(rsa)), fmt.Sprintf("key %s is not there", ec.ID())},
		{"another under its kid", parse(t, issuer.JWKS(rsa, other.Key(issuer.EC).Named(ec.ID()))), fmt.Sprintf("key %s is another key", ec.ID())},
	} {
		if got := strings.Join(tc.have.Lacks(all), "; "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestConfiguration(t *testing.T) {
	good := `{"issuer":"https://i","jwks_uri":"https://i/jwks","response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}`
	for _, tc := range []struct{ name, from, to, want string }{
		{"in order", "", "", ""},
		{"another issuer", `"https://i"`, `"https://i/"`, "its issuer is https://i/, not https://i"},
		{"keys over http", "https://i/jwks", "http://i/jwks", "no https URL"},
		{"other algorithms", "RS256", "ES256", "lack RS256"},
		{"no response types", `["id_token"]`, `[]`, "it lacks response_types_supported"},
		{"no subject types", `["public"]`, `[]`, "subject_types_supported"},
	} {
		c, err := ParseConfiguration([]byte(strings.Replace(good, tc.from, tc.to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(c.Problems("https://i", "RS256"), "; ")
		if !strings.Contains(got, tc.want) || (tc.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	if _, err := ParseConfiguration([]byte("<html>")); err == nil {
		t.Error("a page is a configuration")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB","alg":"RS256","use":"sig"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""},{"kty":7},{}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse(raw)
		if err != nil {
			return
		}
		if len(s.IDs()) == 0 && len(s.Problems()) == 0 {
			t.Error("a set without keys is in order")
		}
		_, _ = s.Secrets(), s.Lacks(s)
	})
}
