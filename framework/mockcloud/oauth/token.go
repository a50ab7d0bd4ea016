package oauth

import (
	"encoding/base64"
	stdjson "encoding/json"
	"strings"

	// go-jose verifies on the mock's side of the wire; the suite signs and checks
	// with another library, so that the two cannot share a mistake.
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// maxToken bounds a subject token (a guess; a Kubernetes token has about 1 KB).
const maxToken = 16 << 10

// b64 is base64url as JWS has it.
var b64 = base64.RawURLEncoding

// token is a subject token as it came in, nothing of it verified.
type token struct {
	raw string
	// input is what is signed, signature the third part.
	input, signature string
	alg              jose.SignatureAlgorithm
	kid              string
	brought          brought
	claims           jwt.Claims
}

// brought is what a header says about keys. It is never looked at: RFC 8725 3.10.
type brought struct {
	JWK stdjson.RawMessage `json:"jwk"`
	JKU string             `json:"jku"`
	X5U string             `json:"x5u"`
}

// parseToken reads a JWS in compact form.
func parseToken(raw string, algorithms []string, p *policy) (*token, error) {
	rules := p.token
	if len(raw) > rules.max {
		return nil, reason("token-too-large")
	}
	parts := strings.Split(raw, ".")
	if rules.unsigned && len(parts) == 2 {
		parts = append(parts, "")
	}
	// Go's base64 skips line breaks, which a terminal or an editor adds to a token;
	// JWS does not know them (RFC 7515 2: "with all trailing '=' characters omitted
	// and without the inclusion of any line breaks, whitespace").
	if len(parts) != 3 || strings.ContainsAny(raw, "\r\n") {
		return nil, reason("token-malformed")
	}
	var header struct {
		Alg  string             `json:"alg"`
		Kid  string             `json:"kid"`
		Crit stdjson.RawMessage `json:"crit"`
	}
	t := &token{raw: raw, input: parts[0] + "." + parts[1], signature: parts[2]}
	if err := decodePart(parts[0], &header, "token-header"); err != nil {
		return nil, err
	}
	var payload stdjson.RawMessage
	if err := decodePart(parts[1], &payload, "token-malformed"); err != nil {
		return nil, err
	}
	t.alg, t.kid = jose.SignatureAlgorithm(header.Alg), header.Kid
	_ = decodePart(parts[0], &t.brought, "") // what is no such thing is not there
	if !rules.algorithm(header.Alg, algorithms) {
		return nil, reason("algorithm")
	}
	if header.Crit != nil && !p.forgives(reason("critical-header")) {
		return nil, reason("critical-header")
	}
	if header.Kid == "" && rules.needsKid(t) {
		return nil, reason("kid-missing")
	}
	if _, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{t.alg}); err != nil && !rules.unsigned {
		return nil, reason("token-malformed")
	}
	if err := rules.claims(payload, &t.claims); err != nil {
		return nil, reason("claims-malformed")
	}
	return t, nil
}

// decodePart reads the JSON of one part; wrong is the refusal of what is none.
func decodePart(part string, into any, wrong reason) error {
	plain, err := b64.Strict().DecodeString(part)
	if err != nil {
		return reason("token-malformed")
	}
	if stdjson.Unmarshal(plain, into) != nil {
		return wrong
	}
	return nil
}

// readClaims is as strict as the library: names have a case, none is there twice.
func readClaims(payload []byte, into *jwt.Claims) error { return json.Unmarshal(payload, into) }
