package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	mockiam "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
)

// policy is how one exchange is decided and answered: what is looked at, how two
// things compare, where keys come from. The code that decides reads it and knows
// no bug; a bug changes it.
type policy struct {
	// folders are those that the exchange concerns.
	folders []string
	// forgiven are refusals that are not made: the stage is passed instead.
	forgiven []error
	form     formRules
	token    tokenRules
	claims   claimRules
	keys     keyRules
	account  accountRules
	answer   answerRules
}

// formRules are how a request is read.
type formRules struct {
	methods []string
	maxBody int
	// missing and empty are what a parameter counts as that is not there, or has
	// no value.
	missing, empty map[string]string
	// optional parameters may be missing or empty, free ones may have any value.
	optional, free []string
	// firstOfSeveral: of a parameter that is there more than once the first counts.
	firstOfSeveral bool
	// acceptable judges the whole form at last.
	acceptable func(url.Values) error
}

// tokenRules are how a subject token is taken apart.
type tokenRules struct {
	max int
	// opaque tokens are taken without a look into them.
	opaque func(raw string) bool
	// unsigned tokens may lack their third part, or have one that is no base64.
	unsigned  bool
	algorithm func(name string, allowed []string) bool
	needsKid  func(*token) bool
	claims    func(payload []byte, into *jwt.Claims) error
}

// claimRules are how claims compare with a federation and a credential.
type claimRules struct {
	issuer   func(federation, token string) bool
	audience func(federation []string, token jwt.Audience, accountID string) bool
	subject  func(linked, token string) bool
	// leeway is forgiven beside that of the settings.
	leeway time.Duration
}

// keyRules are which keys verify a signature, and how.
type keyRules struct {
	// unverified tokens need no key.
	unverified func(*token) bool
	// offered are keys that the token itself brings.
	offered []func(context.Context, *Endpoint, *token) []any
	// addresses are where the key set of a link's federation is, first choice first.
	addresses func(context.Context, *Endpoint, *token, mockiam.Link) []string
	fetch     fetchRules
	// candidates are those keys of a set that may be meant; named are those of the
	// token's kid.
	candidates func(named, all []publishedKey) []publishedKey
	fits       func(key jose.JSONWebKey, alg jose.SignatureAlgorithm) bool
	verify     func(*token, publishedKey) error
}

// accountRules are which account is meant and what links it.
type accountRules struct {
	find  func(*Endpoint, *policy, string, *token) (*iam.ServiceAccount, bool)
	links func(context.Context, *Endpoint, *iam.ServiceAccount, *token) []mockiam.Link
	// stages are further properties that a link must have.
	stages []stage
	// holder is whose the IAM token is.
	holder func(*Endpoint, *iam.ServiceAccount) access.Subject
}

// answerRules are what goes over the wire.
type answerRules struct {
	header  http.Header
	granted func(success) any
	refused func(*reply, reason, *request)
}

// strict is the policy without bugs.
func strict() *policy {
	return &policy{
		form: formRules{methods: []string{http.MethodPost}, maxBody: maxBody, acceptable: func(url.Values) error { return nil }},
		token: tokenRules{
			max:       maxToken,
			opaque:    func(string) bool { return false },
			algorithm: func(name string, allowed []string) bool { return slices.Contains(allowed, name) },
			needsKid:  func(*token) bool { return true },
			claims:    readClaims,
		},
		claims: claimRules{
			issuer: func(federation, token string) bool { return federation == token },
			audience: func(federation []string, token jwt.Audience, _ string) bool {
				return slices.ContainsFunc(federation, token.Contains)
			},
			subject: func(linked, token string) bool { return linked == token },
		},
		keys: keyRules{
			unverified: func(*token) bool { return false },
			addresses: func(_ context.Context, _ *Endpoint, _ *token, l mockiam.Link) []string {
				return []string{l.Federation.JwksUrl}
			},
			candidates: func(named, _ []publishedKey) []publishedKey { return named },
			fits:       fits,
			verify:     verify,
		},
		account: accountRules{
			find: func(e *Endpoint, _ *policy, id string, _ *token) (*iam.ServiceAccount, bool) {
				return e.accounts.Account(id)
			},
			links: func(_ context.Context, e *Endpoint, account *iam.ServiceAccount, _ *token) []mockiam.Link {
				return e.accounts.Links(account.Id)
			},
			holder: func(_ *Endpoint, account *iam.ServiceAccount) access.Subject {
				return access.Subject{Type: access.ServiceAccount, ID: account.Id}
			},
		},
		answer: answerRules{
			// RFC 6749 5.1 asks for this on every answer with a token.
			header:  http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Pragma": {"no-cache"}},
			granted: func(s success) any { return s },
			refused: func(*reply, reason, *request) {},
		},
	}
}

// policyFor is the policy of what acts in the folders of an exchange: the service
// account's, and those of the federations that it is linked to. A request that
// names no known account concerns the folder whose federations have the token's
// issuer; if several folders have one, none: their bugs must not meet.
func (e *Endpoint) policyFor(accountID, rawToken string) *policy {
	p := strict()
	if account, ok := e.knownAccount(accountID); ok {
		p.folders = append(p.folders, account.FolderId)
		for _, l := range e.accounts.Links(account.Id) {
			p.folders = append(p.folders, l.Federation.FolderId)
		}
	} else {
		issuer := unverifiedIssuer(rawToken)
		for _, f := range e.accounts.Federations() {
			if f.Issuer == issuer {
				p.folders = append(p.folders, f.FolderId)
			}
		}
		if slices.Sort(p.folders); len(slices.Compact(p.folders)) > 1 {
			p.folders = nil
		}
	}
	bugs.Apply(e.k.Settings.BugsIn(p.folders...), deviations, p)
	return p
}

// knownAccount also knows one that is gone, if a bug made it be remembered.
func (e *Endpoint) knownAccount(id string) (*iam.ServiceAccount, bool) {
	if account, ok := e.accounts.Account(id); ok {
		return account, true
	}
	return e.memory.account(id)
}

// unverifiedIssuer is the iss of anything that looks like a JWT.
func unverifiedIssuer(raw string) string {
	parts := strings.Split(raw, ".")
	if len(parts) < 2 {
		return ""
	}
	payload, err := b64.DecodeString(parts[1])
	var c jwt.Claims
	if err != nil || readClaims(payload, &c) != nil {
		return ""
	}
	return c.Issuer
}

// or lets the policy pass over a refusal that it forgives.
func (p *policy) or(why error) error {
	if p.forgives(why) {
		return nil
	}
	return why
}

func (p *policy) forgives(why error) bool {
	return slices.ContainsFunc(p.forgiven, func(f error) bool { return errors.Is(why, f) })
}
