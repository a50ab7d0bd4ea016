package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	mockiam "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
)

// keyDeviations are the bugs of the table jwks.
var keyDeviations = map[string]func(*policy){
	"JWKSNotFoundForgiven":      forgive(statusFailure(http.StatusNotFound)),
	"JWKSForbiddenForgiven":     forgive(statusFailure(http.StatusForbidden)),
	"JWKSServerErrorForgiven":   forgive(statusFailure(http.StatusInternalServerError)),
	"JWKSTimeoutForgiven":       forgive(context.DeadlineExceeded),
	"JWKSPageForgiven":          forgive(reason("jwks-malformed")),
	"JWKSKeyTypeForgiven":       forgive(reason("key-type")),
	"JWKSOfAnySize":             func(p *policy) { p.keys.fetch.unlimited = true },
	"JWKSCertificateNotChecked": func(p *policy) { p.keys.fetch.trusting = true },
	"JWKSFetchedOnce":           func(p *policy) { p.keys.fetch.once = true },
	"JWKSFetchedForEveryKid":    func(p *policy) { p.keys.fetch.always = true },
	"JWKSDiscovered": func(p *policy) {
		p.keys.addresses = func(ctx context.Context, e *Endpoint, t *token, _ mockiam.Link) []string {
			return discovered(ctx, e, t)
		}
	},
	"IssuerTrustedByDiscovery": func(p *policy) {
		p.forgiven = append(p.forgiven, reason("issuer"))
		before := p.keys.addresses
		p.keys.addresses = func(ctx context.Context, e *Endpoint, t *token, l mockiam.Link) []string {
			return append(discovered(ctx, e, t), before(ctx, e, t, l)...)
		}
	},
	"KeysOfEveryFederation": func(p *policy) {
		before := p.keys.addresses
		p.keys.addresses = func(ctx context.Context, e *Endpoint, t *token, l mockiam.Link) []string {
			addresses := before(ctx, e, t, l)
			for _, f := range e.accounts.Federations() {
				if f.FolderId == l.Federation.FolderId && !slices.Contains(addresses, f.JwksUrl) {
					addresses = append(addresses, f.JwksUrl)
				}
			}
			return addresses
		}
	},
	"JWKSMustLieBelowIssuer": func(p *policy) {
		p.account.stages = append(p.account.stages, stage{"jwks-unreachable", func(_ *token, l mockiam.Link) bool { return liesBelowIssuer(l) }})
	},
	"FormerJWKSURLUsed": func(p *policy) {
		remembering(p, func(e *Endpoint, _ string, live []mockiam.Link) []mockiam.Link {
			for i, l := range live {
				live[i].Federation.JwksUrl = e.memory.federation(l.Federation.Id).JwksUrl
			}
			return live
		})
	},
}

func liesBelowIssuer(l mockiam.Link) bool {
	return strings.HasPrefix(l.Federation.JwksUrl, l.Federation.Issuer+"/")
}
