package issuer

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v3/jws/jwsbb"
)

// Mutation changes one thing of a token.
type Mutation func(*draft) error

// WithClaim sets a claim to any JSON value; json.RawMessage is taken as it is. A
// time.Time becomes a NumericDate (seconds since 1970, RFC 7519 section 2).
func WithClaim(name string, value any) Mutation {
	return func(d *draft) error {
		d.claims[name] = numeric(value)
		return nil
	}
}

func numeric(value any) any {
	if at, ok := value.(time.Time); ok {
		return at.Unix()
	}
	return value
}

// WithoutClaim leaves a claim out.
func WithoutClaim(name string) Mutation {
	return func(d *draft) error {
		delete(d.claims, name)
		return nil
	}
}

// WithPayload signs these bytes instead of the claims.
func WithPayload(raw []byte) Mutation {
	return func(d *draft) error {
		d.payload = append([]byte{}, raw...)
		return nil
	}
}

// WithHeader sets a member of the header to any JSON value. The signature covers
// it; who signs, and how, does not change.
func WithHeader(name string, value any) Mutation {
	return func(d *draft) error {
		d.header[name] = value
		return nil
	}
}

// WithoutHeader leaves a member of the header out.
func WithoutHeader(name string) Mutation {
	return func(d *draft) error {
		delete(d.header, name)
		return nil
	}
}

// SignedBy makes another key sign and be named by the header (kid, alg).
func SignedBy(key *Key) Mutation {
	return func(d *draft) error {
		d.signer, d.header["kid"], d.header["alg"] = key, key.id, key.algorithm
		return nil
	}
}

// SignatureOf makes another key sign, in its own way, while the header stays as it
// is: with a stranger's key of the same kind a forgery, with a key of another kind
// an algorithm that is not the header's.
func SignatureOf(key *Key) Mutation {
	return func(d *draft) error {
		d.signer = key
		return nil
	}
}

// WithAlgorithm makes the same key sign with another algorithm, and the header
// say so.
func WithAlgorithm(algorithm string) Mutation {
	return func(d *draft) error {
		key, err := d.signer.Using(algorithm)
		if err != nil {
			return err
		}
		d.signer, d.header["alg"] = key, algorithm
		return nil
	}
}

// Unsigned makes an unsecured token: alg none and no signature (RFC 7515
// appendix A.5).
func Unsigned() Mutation {
	return func(d *draft) error {
		d.header["alg"] = "none"
		d.sign = func([]byte) ([]byte, error) { return nil, nil }
		return nil
	}
}

// OfUnknownKey lets the header name a key that there is not, and puts random bytes where
// the signature goes. Nobody has a key to verify it with, so none need be computed: for
// tokens of which there are many.
func OfUnknownKey(kid string) Mutation {
	return func(d *draft) error {
		d.header["kid"] = kid
		d.sign = func([]byte) ([]byte, error) {
			signature := make([]byte, rsaBits/8)
			_, err := rand.Read(signature)
			return signature, err
		}
		return nil
	}
}

// PublicForm is a way to write a public key, of those that verifiers have taken
// for the secret of an HMAC (RFC 8725 section 2.1).
type PublicForm string

// The forms.
const (
	PEM     PublicForm = "PEM"     // "PUBLIC KEY", with a line break at the end
	DER     PublicForm = "DER"     // what is in the PEM
	JWKJSON PublicForm = "JWK"     // the JSON as the key set has it
	JWKN    PublicForm = "JWK n"   // the characters of an RSA key's n (base64url)
	Modulus PublicForm = "modulus" // the bytes that n stands for
)

// PublicForms lists them all.
func PublicForms() []PublicForm { return []PublicForm{PEM, DER, JWKJSON, JWKN, Modulus} }

// HMACWithPublicKey signs with HS256 and a secret that everybody knows: the
// signer's public key in the given form. JWKN and Modulus need an RSA key.
func HMACWithPublicKey(form PublicForm) Mutation {
	return func(d *draft) error {
		secret, err := d.signer.publicBytes(form)
		if err != nil {
			return err
		}
		d.header["alg"] = "HS256"
		d.sign = func(input []byte) ([]byte, error) { return jwsbb.Sign(secret, "HS256", input, nil) }
		return nil
	}
}

func (k *Key) publicBytes(form PublicForm) ([]byte, error) {
	text, err := k.PublicPEM()
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	n, _ := k.members["n"].(string)
	switch {
	case form == PEM:
		return text, nil
	case form == DER:
		return block.Bytes, nil
	case form == JWKJSON:
		return json.Marshal(k.JWK())
	case form == JWKN && n != "":
		return []byte(n), nil
	case form == Modulus && n != "":
		return base64.RawURLEncoding.DecodeString(n)
	}
	return nil, fmt.Errorf("writing the public key %s of kind %s as %q: there is no such form of it", k.id, k.kind, form)
}

// EmbeddedKey makes a stranger sign and puts his public key into the header
// (jwk). The kid stays.
func EmbeddedKey(stranger *Key) Mutation { return carried(stranger, "jwk", stranger.JWK()) }

// KeySetURL makes a stranger sign and lets the header point to a key set of his
// (jku). The kid stays, so publish him under it: JWKS(stranger.Named(kid)).
func KeySetURL(url string, stranger *Key) Mutation { return carried(stranger, "jku", url) }

// CertificateURL makes a stranger sign and lets the header point to a certificate
// of his (x5u; CertificatePEM). The kid stays.
func CertificateURL(url string, stranger *Key) Mutation { return carried(stranger, "x5u", url) }

// EmbeddedCertificate makes a stranger sign and puts his certificate into the
// header (x5c). The kid stays.
func EmbeddedCertificate(stranger *Key) Mutation {
	return func(d *draft) error {
		der, err := stranger.certificate()
		if err != nil {
			return err
		}
		return carried(stranger, "x5c", []string{base64.StdEncoding.EncodeToString(der)})(d)
	}
}

// carried is a key that the token brings along: it signs, and a member of the
// header gives it.
func carried(stranger *Key, member string, value any) Mutation {
	return func(d *draft) error {
		d.signer, d.header["alg"], d.header[member] = stranger, stranger.algorithm, value
		return nil
	}
}

// Critical adds a member to the header and calls it critical: who does not know
// it must refuse (RFC 7515 section 4.1.11).
func Critical(name string, value any) Mutation {
	return func(d *draft) error {
		d.header[name], d.header["crit"] = value, []string{name}
		return nil
	}
}

// Tampered changes a claim after the token was signed.
func Tampered(claim string, value any) Mutation {
	return Rewritten(func(compact string) (string, error) { return replacePayload(compact, claim, numeric(value)) })
}

// Truncated cuts so many characters off the end.
func Truncated(characters int) Mutation {
	return Rewritten(func(compact string) (string, error) {
		if characters < 0 || characters > len(compact) {
			return "", fmt.Errorf("cutting %d characters off a token of %d", characters, len(compact))
		}
		return compact[:len(compact)-characters], nil
	})
}

// Rewritten changes the finished token in any other way, such as a line break at
// its end.
func Rewritten(rewrite func(compact string) (string, error)) Mutation {
	return func(d *draft) error {
		d.rewrites = append(d.rewrites, rewrite)
		return nil
	}
}
