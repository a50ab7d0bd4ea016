package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	// The mock verifies with another library, so that the two sides of the wire
	// cannot share a mistake.
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws/jwsbb"
)

// Kind is a kind of key.
type Kind string

// The kinds, with the algorithm (RFC 7518, RFC 8037) that each signs with unless
// Using says otherwise.
const (
	RSA     Kind = "RSA"     // 2048 bits, RS256
	EC      Kind = "EC"      // P-256, ES256
	Ed25519 Kind = "Ed25519" // EdDSA
)

// Kinds lists them all.
func Kinds() []Kind { return []Kind{RSA, EC, Ed25519} }

const rsaBits = 2048

// algorithms are those that a kind can sign with; the first is the default.
var algorithms = map[Kind][]string{
	RSA:     {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
	EC:      {"ES256"},
	Ed25519: {"EdDSA"},
}

// Key is a key pair with the name that headers and key sets call it by.
type Key struct {
	kind      Kind
	id        string
	algorithm string
	private   crypto.Signer
	// members are those of the public JWK that describe the key itself.
	members map[string]any
}

// NewKey makes a key pair. An empty id stands for the key's thumbprint (RFC 7638).
func NewKey(kind Kind, id string) (*Key, error) {
	var private crypto.Signer
	var err error
	switch kind {
	case RSA:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	case EC:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case Ed25519:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("there are keys of the kinds %q only", Kinds())
	}
	if err != nil {
		return nil, fmt.Errorf("making a key of kind %q: %w", kind, err)
	}
	k, err := newKey(kind, id, private)
	if err != nil {
		return nil, fmt.Errorf("making a key of kind %q: %w", kind, err)
	}
	return k, nil
}

func newKey(kind Kind, id string, private crypto.Signer) (*Key, error) {
	k := &Key{kind: kind, id: id, algorithm: algorithms[kind][0], private: private}
	return k, k.describe()
}

// describe fills members, and id if there is none.
func (k *Key) describe() error {
	public, err := jwk.Import(k.private.Public())
	if err != nil {
		return err
	}
	raw, err := json.Marshal(public)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &k.members); err != nil {
		return err
	}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if k.id == "" {
		k.id = base64.RawURLEncoding.EncodeToString(thumbprint)
	}
	return err
}

// ID is the key's `kid`.
func (k *Key) ID() string { return k.id }

// Kind is the key's kind.
func (k *Key) Kind() Kind { return k.kind }

// Algorithm is the `alg` that the key signs with.
func (k *Key) Algorithm() string { return k.algorithm }

// Format names the key and hides it from every verb.
func (k *Key) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, string(k.kind)+" key "+k.id)
}

// Named is the same key pair under another `kid`.
func (k *Key) Named(id string) *Key {
	other := *k
	other.id = id
	return &other
}

// Using is the same key pair for another algorithm, in its JWK too.
func (k *Key) Using(algorithm string) (*Key, error) {
	if !slices.Contains(algorithms[k.kind], algorithm) {
		return nil, fmt.Errorf("signing with %q: a key of kind %s signs with %s", algorithm, k.kind, strings.Join(algorithms[k.kind], ", "))
	}
	other := *k
	other.algorithm = algorithm
	return &other, nil
}

func (k *Key) sign(input []byte) ([]byte, error) {
	return jwsbb.Sign(k.private, k.algorithm, input, nil)
}

// JWK is the public key (RFC 7517 section 4), with use, alg and kid. The map is
// the caller's, to leave a member out or to spoil it.
func (k *Key) JWK() map[string]any {
	out := maps.Clone(k.members)
	out["use"], out["alg"], out["kid"] = "sig", k.algorithm, k.id
	return out
}

// PublicPEM is the public key in PEM ("PUBLIC KEY", RFC 7468 section 13).
func (k *Key) PublicPEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		return nil, fmt.Errorf("writing the public key %s: %w", k.id, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// CertificatePEM is a certificate of the key that it signed itself, as an x5u
// header points to (RFC 7515 section 4.1.5). It is good for a day.
func (k *Key) CertificatePEM() ([]byte, error) {
	der, err := k.certificate()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func (k *Key) certificate() ([]byte, error) {
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "wlif-conformance"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.private.Public(), k.private)
	if err != nil {
		return nil, fmt.Errorf("making a certificate of the key %s: %w", k.id, err)
	}
	return der, nil
}

// JWKS is the key set of these keys (RFC 7517 section 5), public members only.
// None makes an empty set.
func JWKS(keys ...*Key) []byte {
	set := map[string][]any{"keys": {}}
	for _, k := range keys {
		set["keys"] = append(set["keys"], k.JWK())
	}
	raw, err := json.Marshal(set)
	if err != nil {
		panic(errors.Join(errors.New("a key's members are strings"), err))
	}
	return raw
}
