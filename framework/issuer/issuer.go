package issuer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

// Life of a token's default claims. They begin a little ago, for a cloud whose
// clock is a little behind ours.
const (
	age  = time.Minute
	life = time.Hour
)

// Issuer signs tokens in the name of a URL.
type Issuer struct {
	// URL is the `iss` of its tokens. Nothing needs to answer there.
	URL  string
	keys map[Kind]*Key
}

// New makes an issuer with one key of each kind.
func New(url string) (*Issuer, error) { return Stock(nil).Issuer(url) }

// Of makes an issuer that signs with keys which there are already, one of each kind at
// most. Forge needs an RSA key.
func Of(url string, keys ...*Key) *Issuer {
	i := &Issuer{URL: url, keys: map[Kind]*Key{}}
	for _, key := range keys {
		i.keys[key.kind] = key
	}
	return i
}

// Key is the issuer's key of a kind.
func (i *Issuer) Key(kind Kind) *Key { return i.keys[kind] }

// Keys are all of them, in the order of Kinds.
func (i *Issuer) Keys() []*Key {
	var out []*Key
	for _, kind := range Kinds() {
		if key, has := i.keys[kind]; has {
			out = append(out, key)
		}
	}
	return out
}

// Claims are the payload of a token.
type Claims map[string]any

// Claims are a set that passes: iss, sub, aud (an array, as a cluster writes it),
// iat and nbf a minute ago, exp an hour from now, and a jti of its own.
func (i *Issuer) Claims(subject string, audience ...string) Claims {
	now := time.Now()
	return Claims{
		"iss": i.URL, "sub": subject, "aud": append([]string{}, audience...), "jti": uuid.NewString(),
		"iat": now.Add(-age).Unix(), "nbf": now.Add(-age).Unix(), "exp": now.Add(life).Unix(),
	}
}

// Forge makes a token of the claims, signed by the RSA key, and changed by the
// mutations in their order. The error says which change could not be made; it
// never quotes the token.
func (i *Issuer) Forge(claims Claims, mutations ...Mutation) (exchange.Token, error) {
	key := i.keys[RSA]
	d := &draft{claims: maps.Clone(claims), signer: key, header: map[string]any{"typ": "JWT", "alg": key.algorithm, "kid": key.id}}
	for n, mutate := range mutations {
		if err := mutate(d); err != nil {
			return "", fmt.Errorf("forging a token, change %d of %d: %w", n+1, len(mutations), err)
		}
	}
	token, err := d.compact()
	if err != nil {
		return "", fmt.Errorf("forging a token: %w", err)
	}
	return exchange.Token(token), nil
}

// draft is a token in the making.
type draft struct {
	header map[string]any
	claims Claims
	// payload stands in for the claims if it is set.
	payload []byte
	// signer signs, unless sign is set.
	signer *Key
	sign   func(input []byte) ([]byte, error)
	// rewrites change the finished token.
	rewrites []func(compact string) (string, error)
}

// compact assembles the token by hand: the library refuses to make what a server
// should refuse to take.
func (d *draft) compact() (string, error) {
	header, err := json.Marshal(d.header)
	if err != nil {
		return "", fmt.Errorf("writing the header: %w", err)
	}
	payload := d.payload
	if payload == nil {
		if payload, err = json.Marshal(d.claims); err != nil {
			return "", fmt.Errorf("writing the claims: %w", err)
		}
	}
	sign := d.sign
	if sign == nil {
		sign = d.signer.sign
	}
	input := encode(header) + "." + encode(payload)
	signature, err := sign([]byte(input))
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	token := input + "." + encode(signature)
	for _, rewrite := range d.rewrites {
		if token, err = rewrite(token); err != nil {
			return "", err
		}
	}
	return token, nil
}

func encode(part []byte) string { return base64.RawURLEncoding.EncodeToString(part) }

// replacePayload puts a claim into the payload of a finished token, whose
// signature stays.
func replacePayload(compact, name string, value any) (string, error) {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("replacing the claim %q: the token has %d parts", name, len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", fmt.Errorf("replacing the claim %q: the payload is not base64url", name)
	}
	claims := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &claims); err != nil {
		return "", fmt.Errorf("replacing the claim %q: the payload is no set of claims", name)
	}
	if claims[name], err = json.Marshal(value); err != nil {
		return "", fmt.Errorf("replacing the claim %q: %w", name, err)
	}
	if raw, err = json.Marshal(claims); err != nil {
		return "", fmt.Errorf("replacing the claim %q: %w", name, err)
	}
	return parts[0] + "." + encode(raw) + "." + parts[2], nil
}
