package issuer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
)

// seen is a token taken apart, by nothing but the standard library.
type seen struct {
	header, claims map[string]any
	// signature says who made it: "RSA/RS256", "stranger EC/ES256", "PEM/HS256", "none" or "broken".
	signature string
	parts     int
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func take(t testing.TB, token string) seen {
	t.Helper()
	parts := strings.Split(token, ".")
	s := seen{parts: len(parts)}
	raw := make([][]byte, 3)
	for i := range min(len(parts), 3) {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(parts[i]); err != nil {
			t.Fatalf("part %d is not base64url", i)
		}
	}
	if json.Unmarshal(raw[0], &s.header) != nil || json.Unmarshal(raw[1], &s.claims) != nil {
		t.Fatal("header or claims are no JSON objects")
	}
	s.signature = signer(t, parts[0]+"."+parts[1], raw[2])
	return s
}

// signer finds out who made a signature, whatever the header says of it.
func signer(t testing.TB, input string, signature []byte) string {
	t.Helper()
	if len(signature) == 0 {
		return "none"
	}
	for _, form := range forms(t) {
		mac := hmac.New(sha256.New, form.secret)
		mac.Write([]byte(input))
		if hmac.Equal(mac.Sum(nil), signature) {
			return form.name + "/HS256"
		}
	}
	sum := sha256.Sum256([]byte(input))
	for who, i := range map[string]*issuer.Issuer{"": ours, "stranger": stranger} {
		for _, key := range i.Keys() {
			switch public := public(t, key).(type) {
			case *rsa.PublicKey:
				if rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil {
					return strings.TrimSpace(who + " RSA/RS256")
				}
				if rsa.VerifyPSS(public, crypto.SHA256, sum[:], signature, nil) == nil {
					return strings.TrimSpace(who + " RSA/PS256")
				}
			case *ecdsa.PublicKey:
				if len(signature) == 64 && ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
					return strings.TrimSpace(who + " EC/ES256")
				}
			case ed25519.PublicKey:
				if ed25519.Verify(public, []byte(input), signature) {
					return strings.TrimSpace(who + " Ed25519/EdDSA")
				}
			}
		}
	}
	return "broken"
}

func public(t testing.TB, key *issuer.Key) any {
	t.Helper()
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		t.Fatalf("the PEM of %v is %q", key, text)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

type form struct {
	name   string
	secret []byte
}

// forms writes the public RSA key without the help of the package under test.
func forms(t testing.TB) []form {
	t.Helper()
	key := public(t, ours.Key(issuer.RSA)).(*rsa.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(issuer.JWKS(ours.Key(issuer.RSA)), &set); err != nil {
		t.Fatal(err)
	}
	return []form{
		{"PEM", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}, {"DER", der}, {"JWK", set.Keys[0]},
		{"JWK n", []byte(base64.RawURLEncoding.EncodeToString(key.N.Bytes()))}, {"modulus", key.N.Bytes()},
	}
}

// difference lists what tells a token from the default one.
func difference(base, got seen) []string {
	var out []string
	for _, part := range []struct {
		name      string
		base, got map[string]any
	}{{"header", base.header, got.header}, {"claim", base.claims, got.claims}} {
		both := maps.Clone(part.base)
		maps.Copy(both, part.got)
		for _, name := range sorted(both) {
			before, had := part.base[name]
			after, has := part.got[name]
			switch {
			case !has:
				out = append(out, fmt.Sprintf("%s %s is gone", part.name, name))
			case !had || !reflect.DeepEqual(before, after):
				out = append(out, fmt.Sprintf("%s %s is %s", part.name, name, short(after)))
			}
		}
	}
	if got.signature != base.signature {
		out = append(out, "signed "+got.signature)
	}
	if got.parts != base.parts {
		out = append(out, fmt.Sprintf("%d parts", got.parts))
	}
	return out
}

func short(value any) string {
	raw, _ := json.Marshal(value)
	if len(raw) > 60 {
		return string(raw[:4]) + "..."
	}
	return string(raw)
}

func TestEachMutationChangesOneThing(t *testing.T) {
	at := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
	rsaKey, ecKey := ours.Key(issuer.RSA), ours.Key(issuer.EC)
	kid := func(key *issuer.Key) string { return fmt.Sprintf("header kid is %q", key.ID()) }
	claims := ours.Claims(subject, "audience")
	for name, tc := range map[string]struct {
		mutation issuer.Mutation
		want     []string
	}{
		"claim":           {issuer.WithClaim("sub", "other"), []string{`claim sub is "other"`}},
		"new claim":       {issuer.WithClaim("extra", nil), []string{`claim extra is null`}},
		"time":            {issuer.WithClaim("exp", at), []string{`claim exp is 981173106`}},
		"string time":     {issuer.WithClaim("exp", "981173106"), []string{`claim exp is "981173106"`}},
		"raw":             {issuer.WithClaim("aud", json.RawMessage(`[]`)), []string{`claim aud is []`}},
		"string audience": {issuer.WithClaim("aud", "audience"), []string{`claim aud is "audience"`}},
		"no claim":        {issuer.WithoutClaim("exp"), []string{`claim exp is gone`}},
		"payload": {issuer.WithPayload([]byte(`{"sub":"x"}`)), []string{"claim aud is gone", "claim exp is gone", "claim iat is gone",
			"claim iss is gone", "claim jti is gone", "claim nbf is gone", `claim sub is "x"`}},
		"header":       {issuer.WithHeader("kid", "nobody"), []string{`header kid is "nobody"`}},
		"only the alg": {issuer.WithHeader("alg", "PS256"), []string{`header alg is "PS256"`}},
		"no header":    {issuer.WithoutHeader("kid"), []string{`header kid is gone`}},
		"EC":           {issuer.SignedBy(ecKey), []string{`header alg is "ES256"`, kid(ecKey), "signed EC/ES256"}},
		"Ed25519": {issuer.SignedBy(ours.Key(issuer.Ed25519)), []string{`header alg is "EdDSA"`, kid(ours.Key(issuer.Ed25519)),
			"signed Ed25519/EdDSA"}},
		"stranger, same kid":  {issuer.SignatureOf(stranger.Key(issuer.RSA)), []string{"signed stranger RSA/RS256"}},
		"other kind":          {issuer.SignatureOf(ecKey), []string{"signed EC/ES256"}},
		"algorithm":           {issuer.WithAlgorithm("PS256"), []string{`header alg is "PS256"`, "signed RSA/PS256"}},
		"unsigned":            {issuer.Unsigned(), []string{`header alg is "none"`, "signed none"}},
		"unknown key":         {issuer.OfUnknownKey("nobody"), []string{`header kid is "nobody"`, "signed broken"}},
		"HMAC PEM":            {issuer.HMACWithPublicKey(issuer.PEM), []string{`header alg is "HS256"`, "signed PEM/HS256"}},
		"HMAC DER":            {issuer.HMACWithPublicKey(issuer.DER), []string{`header alg is "HS256"`, "signed DER/HS256"}},
		"HMAC JWK":            {issuer.HMACWithPublicKey(issuer.JWKJSON), []string{`header alg is "HS256"`, "signed JWK/HS256"}},
		"HMAC JWK n":          {issuer.HMACWithPublicKey(issuer.JWKN), []string{`header alg is "HS256"`, "signed JWK n/HS256"}},
		"HMAC modulus":        {issuer.HMACWithPublicKey(issuer.Modulus), []string{`header alg is "HS256"`, "signed modulus/HS256"}},
		"embedded jwk":        {issuer.EmbeddedKey(stranger.Key(issuer.RSA)), []string{`header jwk is {"al...`, "signed stranger RSA/RS256"}},
		"embedded jwk, EC":    {issuer.EmbeddedKey(stranger.Key(issuer.EC)), []string{`header alg is "ES256"`, `header jwk is {"al...`, "signed stranger EC/ES256"}},
		"jku":                 {issuer.KeySetURL("https://x/jwks", stranger.Key(issuer.RSA)), []string{`header jku is "https://x/jwks"`, "signed stranger RSA/RS256"}},
		"x5u":                 {issuer.CertificateURL("https://x/c", stranger.Key(issuer.RSA)), []string{`header x5u is "https://x/c"`, "signed stranger RSA/RS256"}},
		"x5c":                 {issuer.EmbeddedCertificate(stranger.Key(issuer.RSA)), []string{`header x5c is ["MI...`, "signed stranger RSA/RS256"}},
		"crit":                {issuer.Critical("x-unknown", true), []string{`header crit is ["x-unknown"]`, `header x-unknown is true`}},
		"tampered":            {issuer.Tampered("sub", "other"), []string{`claim sub is "other"`, "signed broken"}},
		"tampered time":       {issuer.Tampered("exp", at), []string{`claim exp is 981173106`, "signed broken"}},
		"truncated":           {issuer.Truncated(4), []string{"signed broken"}},
		"truncated signature": {issuer.Truncated(len(compact(t, claims)) - strings.LastIndex(compact(t, claims), ".") - 1), []string{"signed none"}},
		"rewritten":           {issuer.Rewritten(func(c string) (string, error) { return c + ".", nil }), []string{"4 parts"}},
		"nothing":             {issuer.SignedBy(rsaKey), nil},
	} {
		t.Run(name, func(t *testing.T) {
			base := take(t, compact(t, claims))
			got := take(t, compact(t, claims, tc.mutation))
			if diff := difference(base, got); !slices.Equal(diff, tc.want) {
				t.Errorf("differs from the default in\n%q, want\n%q", diff, tc.want)
			}
			if base.signature != "RSA/RS256" {
				t.Errorf("the default is signed %s", base.signature)
			}
		})
	}
}

func compact(t testing.TB, claims issuer.Claims, mutations ...issuer.Mutation) string {
	t.Helper()
	token, err := ours.Forge(claims, mutations...)
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// Mutations are made in their order, and leave the claims that they were given alone.
func TestMutationsAddUp(t *testing.T) {
	claims := ours.Claims(subject, "audience")
	got := take(t, compact(t, claims, issuer.SignedBy(ours.Key(issuer.EC)), issuer.SignatureOf(stranger.Key(issuer.EC)), issuer.WithClaim("sub", "a"),
		issuer.WithClaim("sub", "b")))
	want := []string{`header alg is "ES256"`, fmt.Sprintf("header kid is %q", ours.Key(issuer.EC).ID()), `claim sub is "b"`, "signed stranger EC/ES256"}
	if diff := difference(take(t, compact(t, claims)), got); !slices.Equal(diff, want) {
		t.Errorf("differs in %q, want %q", diff, want)
	}
	if claims["sub"] != subject {
		t.Errorf("the claims were changed to %v", claims)
	}
}

func TestWhatCannotBeForgedIsRefused(t *testing.T) {
	cutShort := issuer.Rewritten(func(c string) (string, error) { return strings.Split(c, ".")[0], nil })
	for name, tc := range map[string]struct {
		mutations []issuer.Mutation
		want      string
	}{
		"an algorithm of another kind": {[]issuer.Mutation{issuer.WithAlgorithm("ES256")}, "change 1 of 1"},
		"a form that the key has not":  {[]issuer.Mutation{issuer.SignedBy(ours.Key(issuer.EC)), issuer.HMACWithPublicKey(issuer.JWKN)}, "change 2 of 2"},
		"a claim that is no JSON":      {[]issuer.Mutation{issuer.WithClaim("x", make(chan int))}, "writing the claims"},
		"a header that is no JSON":     {[]issuer.Mutation{issuer.WithHeader("x", make(chan int))}, "writing the header"},
		"more than there is":           {[]issuer.Mutation{issuer.Truncated(1 << 20)}, "cutting"},
		"a claim of what has none":     {[]issuer.Mutation{issuer.WithPayload([]byte(`[]`)), issuer.Tampered("sub", "x")}, "no set of claims"},
		"a claim of what has no parts": {[]issuer.Mutation{cutShort, issuer.Tampered("sub", "x")}, "1 parts"},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := ours.Forge(ours.Claims(subject, "audience"), tc.mutations...)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "eyJ") || token != "" {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

// Certificates are of the key that signs.
func TestCertificates(t *testing.T) {
	key := stranger.Key(issuer.RSA)
	text, err := key.CertificatePEM()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(certificate.PublicKey, public(t, key)) || block.Type != "CERTIFICATE" {
		t.Error("the certificate is of another key")
	}
	if err := certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature); err != nil {
		t.Error(err)
	}
}

// Whatever a claim is called and holds, it comes out of the token as it went in.
func FuzzClaim(f *testing.F) {
	f.Add("sub", "system:serviceaccount:default:wlif")
	f.Add("x\"", "\u2028<\x00")
	f.Fuzz(func(t *testing.T, name, value string) {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			t.Skip("JSON has no other strings")
		}
		for _, mutation := range []issuer.Mutation{issuer.WithClaim(name, value), issuer.Tampered(name, value)} {
			got := take(t, compact(t, ours.Claims(subject), issuer.SignedBy(ours.Key(issuer.Ed25519)), mutation))
			if got.claims[name] != value {
				t.Errorf("claim %q is %q, want %q", name, got.claims[name], value)
			}
		}
	})
}
