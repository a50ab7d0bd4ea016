package oauth

import (
	"context"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"

	mockiam "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
)

// finding is something wrong with a token, and what that is called.
type finding struct {
	wrong bool
	why   reason
}

// stage is a property that a link must have for a token, and what its lack is called.
type stage struct {
	why  reason
	keep func(*token, mockiam.Link) bool
}

// verify decides whether one of the account's federated credentials lets the
// token in. The stages are in an order that gives each defect its own reason.
func (e *Endpoint) verify(ctx context.Context, p *policy, t *token, account *iam.ServiceAccount) error {
	err := p.judge(
		finding{t.claims.Issuer == "", "issuer-missing"},
		finding{t.claims.Subject == "", "subject-missing"},
		finding{len(t.claims.Audience) == 0 || slices.Contains(t.claims.Audience, ""), "audience-missing"},
	)
	if err != nil {
		return err
	}
	links, err := match(p, p.account.links(ctx, e, account, t), t, account.Id)
	if err != nil {
		return err
	}
	for _, l := range links {
		if err = e.signed(ctx, p, t, l); err == nil {
			return e.timely(p, t.claims)
		}
	}
	return err
}

// judge is the first finding that the policy does not forgive.
func (p *policy) judge(findings ...finding) error {
	for _, f := range findings {
		if f.wrong && !p.forgives(f.why) {
			return f.why
		}
	}
	return nil
}

// match narrows an account's links down by each property in turn; the property
// that leaves none is the reason.
func match(p *policy, links []mockiam.Link, t *token, accountID string) ([]mockiam.Link, error) {
	stages := []stage{
		{"issuer", func(t *token, l mockiam.Link) bool { return p.claims.issuer(l.Federation.Issuer, t.claims.Issuer) }},
		{"audience", func(t *token, l mockiam.Link) bool {
			return p.claims.audience(l.Federation.Audiences, t.claims.Audience, accountID)
		}},
		{"subject", func(t *token, l mockiam.Link) bool {
			return p.claims.subject(l.Credential.ExternalSubjectId, t.claims.Subject)
		}},
		{"federation-disabled", func(_ *token, l mockiam.Link) bool { return l.Federation.Enabled }},
	}
	if len(links) == 0 {
		return nil, reason("not-linked")
	}
	for _, s := range slices.Concat(stages, p.account.stages) {
		if p.forgives(s.why) {
			continue
		}
		links = slices.DeleteFunc(slices.Clone(links), func(l mockiam.Link) bool { return !s.keep(t, l) })
		if len(links) == 0 {
			return nil, s.why
		}
	}
	return links, nil
}

// timely checks exp, nbf and iat (RFC 7519 4.1.4 to 4.1.6). That exp must be
// there and iat may not lie ahead are guesses.
func (e *Endpoint) timely(p *policy, c jwt.Claims) error {
	now, leeway := e.k.Clock.Now(), time.Duration(e.k.Settings.Get().Leeway)+p.claims.leeway
	ahead := func(d *jwt.NumericDate) bool { return d != nil && now.Add(leeway).Before(d.Time()) }
	return p.judge(
		finding{c.Expiry == nil, "exp-missing"},
		finding{c.Expiry != nil && !now.Before(c.Expiry.Time().Add(leeway)), "expired"},
		finding{ahead(c.NotBefore), "not-yet-valid"},
		finding{ahead(c.IssuedAt), "issued-in-future"},
	)
}

// signed verifies the signature with a key of the link's federation.
func (e *Endpoint) signed(ctx context.Context, p *policy, t *token, l mockiam.Link) error {
	if p.keys.unverified(t) || e.offered(ctx, p, t) {
		return nil
	}
	var errs []error
	for _, address := range p.keys.addresses(ctx, e, t, l) {
		err := p.or(e.signedAt(ctx, p, t, setKey{l.Federation.FolderId, address, p.keys.fetch}))
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return slices.Concat(errs, []error{reason("jwks-unreachable")})[0]
}

// offered says whether a key that the token itself brings verifies it.
func (e *Endpoint) offered(ctx context.Context, p *policy, t *token) bool {
	for _, source := range p.keys.offered {
		for _, key := range source(ctx, e, t) {
			if p.keys.verify(t, publishedKey{JSONWebKey: jose.JSONWebKey{Key: key}}) == nil {
				return true
			}
		}
	}
	return false
}

// signedAt looks for the key of the token's kid in one key set. A key says what
// it is for: one of another type, use or algorithm is none.
func (e *Endpoint) signedAt(ctx context.Context, p *policy, t *token, set setKey) error {
	named, all, err := e.keys.Lookup(ctx, set, t.kid)
	if err != nil {
		return err
	}
	why := reason("kid-unknown")
	for _, key := range p.keys.candidates(named, all) {
		if !p.keys.fits(key.JSONWebKey, t.alg) {
			why = "key-type"
			continue
		}
		if p.keys.verify(t, key) == nil {
			return nil
		}
		why = "signature"
	}
	return why
}

// verify checks the signature as the header says.
func verify(t *token, key publishedKey) error {
	parsed, err := jose.ParseSignedCompact(t.raw, []jose.SignatureAlgorithm{t.alg})
	if err != nil {
		return err
	}
	_, err = parsed.Verify(key.Key)
	return err
}
