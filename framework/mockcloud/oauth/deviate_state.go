package oauth

import (
	"context"
	"slices"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"

	mockiam "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
)

// stateDeviations are the bugs of the table state.
var stateDeviations = map[string]func(*policy){
	"DisabledFederationAccepted": forgive(reason("federation-disabled")),
	"SuspendedAccountAccepted":   forgive(reason("service-account-status")),
	"DeletedFederationRemembered": func(p *policy) {
		remembering(p, func(e *Endpoint, accountID string, live []mockiam.Link) []mockiam.Link {
			for _, l := range e.memory.linksOf(accountID) {
				if _, there := e.federation(l.Federation.Id); !there {
					live = append(live, l)
				}
			}
			return live
		})
	},
	"DeletedCredentialRemembered": func(p *policy) {
		remembering(p, func(e *Endpoint, accountID string, live []mockiam.Link) []mockiam.Link {
			for _, l := range e.memory.linksOf(accountID) {
				if f, there := e.federation(l.Federation.Id); there {
					live = append(live, mockiam.Link{Credential: l.Credential, Federation: f})
				}
			}
			return live
		})
	},
	"DeletedAccountRemembered": func(p *policy) {
		before := p.account.find
		p.account.find = func(e *Endpoint, p *policy, id string, t *token) (*iam.ServiceAccount, bool) {
			if account, ok := before(e, p, id, t); ok && account.Status != iam.ServiceAccount_DELETING {
				return account, true
			}
			return e.memory.account(id)
		}
		remembering(p, func(e *Endpoint, accountID string, live []mockiam.Link) []mockiam.Link {
			if _, there := e.accounts.Account(accountID); there {
				return live
			}
			return e.memory.linksOf(accountID)
		})
	},
	"RemovedAudienceRemembered": func(p *policy) {
		remembering(p, func(e *Endpoint, _ string, live []mockiam.Link) []mockiam.Link {
			for i, l := range live {
				live[i].Federation.Audiences = e.memory.federation(l.Federation.Id).Audiences
			}
			return live
		})
	},
	"AnyCredentialAccepted": func(p *policy) {
		p.account.links = func(_ context.Context, e *Endpoint, account *iam.ServiceAccount, _ *token) []mockiam.Link {
			own := e.accounts.Links(account.Id)
			return append(own, slices.DeleteFunc(e.accounts.EveryLink(), func(l mockiam.Link) bool { return l.Federation.FolderId != account.FolderId })...)
		}
	},
	"UnlinkedAccountAccepted": func(p *policy) { p.account.links = linksOrAnyFederation },
	"UnknownAccountReplaced": func(p *policy) {
		before := p.account.find
		p.account.find = func(e *Endpoint, p *policy, id string, t *token) (*iam.ServiceAccount, bool) {
			if account, ok := before(e, p, id, t); ok || t == nil {
				return account, ok
			}
			return e.linkedTo(p, t)
		}
	},
	"OtherFolderRefused": func(p *policy) {
		before := p.account.links
		p.account.links = func(ctx context.Context, e *Endpoint, account *iam.ServiceAccount, t *token) []mockiam.Link {
			return slices.DeleteFunc(before(ctx, e, account, t), func(l mockiam.Link) bool { return l.Federation.FolderId != account.FolderId })
		}
	},
	"ParallelLookupsFindNothing": func(p *policy) { p.account.links = crowded(p.account.links) },
}

// remembering lets a memory of what was there have a say in an account's links.
func remembering(p *policy, links func(e *Endpoint, accountID string, live []mockiam.Link) []mockiam.Link) {
	before := p.account.links
	p.account.links = func(ctx context.Context, e *Endpoint, account *iam.ServiceAccount, t *token) []mockiam.Link {
		live := before(ctx, e, account, t)
		e.memory.note(account, live)
		return links(e, account.Id, live)
	}
}

// federation is one as it is now.
func (e *Endpoint) federation(id string) (*oidc.Federation, bool) {
	for _, f := range e.accounts.Federations() {
		if f.Id == id {
			return f, true
		}
	}
	return nil, false
}

// linksOrAnyFederation takes an account without credentials for one that every
// federation of its folder may act as.
func linksOrAnyFederation(_ context.Context, e *Endpoint, account *iam.ServiceAccount, t *token) []mockiam.Link {
	links := e.accounts.Links(account.Id)
	if len(links) > 0 {
		return links
	}
	for _, f := range e.accounts.Federations() {
		if f.FolderId == account.FolderId {
			links = append(links, mockiam.Link{Federation: f, Credential: &workload.FederatedCredential{ExternalSubjectId: t.claims.Subject}})
		}
	}
	return links
}

// linkedTo is the first account that a credential links to the token's issuer and
// subject, in the folders of the exchange.
func (e *Endpoint) linkedTo(p *policy, t *token) (*iam.ServiceAccount, bool) {
	for _, l := range e.accounts.EveryLink() {
		if l.Federation.Issuer == t.claims.Issuer && l.Credential.ExternalSubjectId == t.claims.Subject && slices.Contains(p.folders, l.Federation.FolderId) {
			return e.accounts.Account(l.Credential.ServiceAccountId)
		}
	}
	return nil, false
}

// crowded lookups of one account find nothing while so many others are under way.
const (
	crowd      = 8
	lookupTime = 100 * time.Millisecond
)

type linkLookup = func(context.Context, *Endpoint, *iam.ServiceAccount, *token) []mockiam.Link

func crowded(before linkLookup) linkLookup {
	return func(ctx context.Context, e *Endpoint, account *iam.ServiceAccount, t *token) []mockiam.Link {
		others := e.memory.enter(account.Id)
		defer e.memory.leave(account.Id)
		if others >= crowd || e.k.Pause(ctx, lookupTime) != nil {
			return nil
		}
		return before(ctx, e, account, t)
	}
}
