package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	// The strict side's library refuses what these bugs accept.
	gojwt "github.com/golang-jwt/jwt/v4"
)

type (
	jwk           = jose.JSONWebKey
	algorithmName = jose.SignatureAlgorithm
)

// asymmetric are the algorithms of RFC 7518 and RFC 8037 that need no secret.
var asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// verifyAs checks a signature by an algorithm, whatever the header says.
func verifyAs(alg string, t *token, key any) error {
	method := gojwt.GetSigningMethod(alg)
	if method == nil {
		return fmt.Errorf("no algorithm %q", alg)
	}
	return method.Verify(t.input, t.signature, key)
}

// anyOf tries each until one is no error.
func anyOf[T any](list []T, try func(T) error) error {
	err := errors.New("nothing to try")
	for _, one := range list {
		if err = try(one); err == nil {
			return nil
		}
	}
	return err
}

// publicForms are the ways in which a public key is written down.
func (k publishedKey) publicForms() [][]byte {
	forms := [][]byte{k.raw}
	if public, ok := k.Key.(*rsa.PublicKey); ok {
		modulus := public.N.Bytes()
		pkcs1 := x509.MarshalPKCS1PublicKey(public)
		forms = append(forms, modulus, []byte(b64.EncodeToString(modulus)), pkcs1,
			pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}))
	}
	if pkix, err := x509.MarshalPKIXPublicKey(k.Key); err == nil {
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})
		forms = append(forms, pkix, text, []byte(strings.TrimSpace(string(text))), []byte(base64.StdEncoding.EncodeToString(pkix)))
	}
	return forms
}

// signatureSize is how many bytes a signature of the key has.
func (k publishedKey) signatureSize() int {
	switch public := k.Key.(type) {
	case *rsa.PublicKey:
		return public.Size()
	case *ecdsa.PublicKey:
		return 2 * ((public.Params().BitSize + 7) / 8)
	case ed25519.PublicKey:
		return ed25519.SignatureSize
	}
	return 0
}

// keySource finds keys that a token brings along.
type keySource = func(context.Context, *Endpoint, *token) []any

// trusting tries the keys of a source before those of the federation.
func trusting(source keySource) func(*policy) {
	return func(p *policy) {
		needsKid := p.token.needsKid
		p.keys.offered = append(p.keys.offered, source)
		p.token.needsKid = func(t *token) bool {
			return t.brought.JWK == nil && t.brought.JKU == "" && t.brought.X5U == "" && needsKid(t)
		}
	}
}

func embeddedKey(_ context.Context, _ *Endpoint, t *token) []any {
	var key jwk
	if t.brought.JWK == nil || key.UnmarshalJSON(t.brought.JWK) != nil {
		return nil
	}
	return []any{key.Key}
}

func keySetOfHeader(ctx context.Context, e *Endpoint, t *token) []any {
	if t.brought.JKU == "" {
		return nil
	}
	_, all, err := e.keys.Lookup(ctx, setKey{address: t.brought.JKU}, t.kid)
	var keys []any
	for _, key := range all {
		keys = append(keys, key.Key)
	}
	if err != nil {
		return nil
	}
	return keys
}

func certificateOfHeader(ctx context.Context, e *Endpoint, t *token) []any {
	if t.brought.X5U == "" {
		return nil
	}
	raw, err := e.keys.get(ctx, t.brought.X5U, fetchRules{})
	if err != nil {
		return nil
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return []any{certificate.PublicKey}
}

// discovered is where the discovery document of a token's issuer says that its
// keys are (OpenID Connect Discovery 4).
func discovered(ctx context.Context, e *Endpoint, t *token) []string {
	raw, err := e.keys.get(ctx, strings.TrimSuffix(t.claims.Issuer, "/")+"/.well-known/openid-configuration", fetchRules{})
	if err != nil {
		return nil
	}
	var document struct {
		Keys string `json:"jwks_uri"`
	}
	if json.Unmarshal(raw, &document) != nil || document.Keys == "" {
		return nil
	}
	return []string{document.Keys}
}
