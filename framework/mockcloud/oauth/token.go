package oauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	// go-jose verifies on the mock's side of the wire; the suite signs and checks
	// with another library, so that the two cannot share a mistake.
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"

	mockiam "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
)

// maxToken bounds a subject token (a guess; a Kubernetes token has about 1 KB).
const maxToken = 16 << 10

// token is a subject token as it came in, nothing of it verified.
type token struct {
	raw    string
	alg    jose.SignatureAlgorithm
	kid    string
	claims jwt.Claims
}

// parseToken reads a JWS in compact form. Keys that the header carries or points
// to (jwk, jku, x5c, x5u) are never looked at: RFC 8725 3.10.
func parseToken(raw string, algorithms []string) (*token, error) {
	if len(raw) > maxToken {
		return nil, reason("token-too-large")
	}
	parts := strings.Split(raw, ".")
	// Go's base64 skips line breaks, which a terminal or an editor adds to a token;
	// JWS does not know them (RFC 7515 2: "with all trailing '=' characters omitted
	// and without the inclusion of any line breaks, whitespace").
	if len(parts) != 3 || strings.ContainsAny(raw, "\r\n") {
		return nil, reason("token-malformed")
	}
	var header struct {
		Alg  string          `json:"alg"`
		Kid  string          `json:"kid"`
		Crit json.RawMessage `json:"crit"`
	}
	for i, into := range []any{&header, &json.RawMessage{}} {
		plain, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil {
			return nil, reason("token-malformed")
		}
		if json.Unmarshal(plain, into) != nil {
			return nil, reason([]string{"token-header", "token-malformed"}[i])
		}
	}
	switch {
	case !slices.Contains(algorithms, header.Alg):
		return nil, reason("algorithm")
	case header.Crit != nil:
		return nil, reason("critical-header")
	case header.Kid == "":
		return nil, reason("kid-missing")
	}
	t := &token{raw: raw, alg: jose.SignatureAlgorithm(header.Alg), kid: header.Kid}
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{t.alg})
	if err != nil {
		return nil, reason("token-malformed")
	}
	if err := parsed.UnsafeClaimsWithoutVerification(&t.claims); err != nil {
		return nil, reason("claims-malformed")
	}
	return t, nil
}

// verify decides whether one of the account's federated credentials lets the
// token in. The stages are in an order that gives each defect its own reason.
func (e *Endpoint) verify(ctx context.Context, t *token, account *iam.ServiceAccount) error {
	switch {
	case t.claims.Issuer == "":
		return reason("issuer-missing")
	case t.claims.Subject == "":
		return reason("subject-missing")
	case len(t.claims.Audience) == 0 || slices.Contains(t.claims.Audience, ""):
		return reason("audience-missing")
	}
	links, err := match(e.accounts.Links(account.Id), t.claims)
	if err != nil {
		return err
	}
	for _, l := range links {
		if err = e.signed(ctx, t, l.Federation.JwksUrl); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := e.timely(t.claims); err != nil {
		return err
	}
	switch why := e.accounts.Unusable(account); why {
	case "":
		return nil
	case "expired":
		return reason("service-account-expired")
	default:
		return reason("service-account-status")
	}
}

// match narrows the account's links down by each property in turn; the property
// that leaves none is the reason. All comparisons are exact.
func match(links []mockiam.Link, c jwt.Claims) ([]mockiam.Link, error) {
	stages := []struct {
		why  reason
		keep func(mockiam.Link) bool
	}{
		{"issuer", func(l mockiam.Link) bool { return l.Federation.Issuer == c.Issuer }},
		{"audience", func(l mockiam.Link) bool {
			return slices.ContainsFunc(l.Federation.Audiences, func(a string) bool { return c.Audience.Contains(a) })
		}},
		{"subject", func(l mockiam.Link) bool { return l.Credential.ExternalSubjectId == c.Subject }},
		{"federation-disabled", func(l mockiam.Link) bool { return l.Federation.Enabled }},
	}
	if len(links) == 0 {
		return nil, reason("not-linked")
	}
	for _, s := range stages {
		links = slices.DeleteFunc(slices.Clone(links), func(l mockiam.Link) bool { return !s.keep(l) })
		if len(links) == 0 {
			return nil, s.why
		}
	}
	return links, nil
}

// timely checks exp, nbf and iat (RFC 7519 4.1.4 to 4.1.6). That exp must be
// there and iat may not lie ahead are guesses.
func (e *Endpoint) timely(c jwt.Claims) error {
	now, leeway := e.k.Clock.Now(), time.Duration(e.k.Settings.Get().Leeway)
	switch {
	case c.Expiry == nil:
		return reason("exp-missing")
	case !now.Before(c.Expiry.Time().Add(leeway)):
		return reason("expired")
	case c.NotBefore != nil && now.Add(leeway).Before(c.NotBefore.Time()):
		return reason("not-yet-valid")
	case c.IssuedAt != nil && now.Add(leeway).Before(c.IssuedAt.Time()):
		return reason("issued-in-future")
	}
	return nil
}

// signed verifies the signature with the key of that kid in the federation's key
// set. A key says what it is for: one of another type, use or algorithm is none.
func (e *Endpoint) signed(ctx context.Context, t *token, jwksURL string) error {
	keys, err := e.keys.Lookup(ctx, jwksURL, t.kid)
	if err != nil {
		return err
	}
	parsed, err := jose.ParseSignedCompact(t.raw, []jose.SignatureAlgorithm{t.alg})
	if err != nil {
		return reason("token-malformed")
	}
	why := reason("kid-unknown")
	for _, key := range keys {
		if !fits(key, t.alg) {
			why = "key-type"
			continue
		}
		if _, err := parsed.Verify(key.Key); err == nil {
			return nil
		}
		why = "signature"
	}
	return why
}
