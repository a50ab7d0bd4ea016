package trust

import (
	"context"
	"fmt"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

// Question is whose token is to be taken for whom.
type Question struct {
	Cloud *cloud.Client
	// FederationID is the federation that is meant to let the token in. Empty: the one
	// that the account was linked to first.
	FederationID string
	// ServiceAccountID is what the exchange names as its `audience`.
	ServiceAccountID string
}

// Explain compares a token with what the cloud knows at a time. The error says
// that the token is no JWT, or is that of a call to the cloud without whose answer
// nothing can be said.
func (q Question) Explain(ctx context.Context, token exchange.Token, now time.Time) (exchange.Explanation, error) {
	claims, err := exchange.ReadClaims(token)
	if err != nil {
		return exchange.Explanation{}, err
	}
	setup, account, err := q.read(ctx, token)
	if err != nil {
		return exchange.Explanation{}, err
	}
	explained := exchange.Explain(claims, setup, now)
	if explained.Linked() {
		return explained, nil
	}
	setup.Links = append(setup.Links, links(setup.Links[0], q.others(ctx, account))...)
	return exchange.Explain(claims, setup, now), nil
}

// read gives the setup as far as it is the account's own. Its first link has the
// federation.
func (q Question) read(ctx context.Context, token exchange.Token) (exchange.Setup, *iam.ServiceAccount, error) {
	none := exchange.Setup{}
	account, err := q.Cloud.ServiceAccounts().Get(ctx, &iam.GetServiceAccountRequest{ServiceAccountId: q.ServiceAccountID})
	if err != nil {
		return none, nil, cloud.While(err, "reading the service account "+q.ServiceAccountID)
	}
	credentials, err := q.credentials(ctx, account.GetId())
	if err != nil {
		return none, nil, err
	}
	id := q.FederationID
	if id == "" {
		if len(credentials) == 0 {
			return none, nil, fmt.Errorf("the service account %s is linked to no federation", account.GetId())
		}
		id = credentials[0].GetFederationId()
	}
	federation, err := q.Cloud.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: id})
	if err != nil {
		return none, nil, cloud.While(err, "reading the federation "+id)
	}
	link := exchange.Link{
		FederationID: federation.GetId(), Issuer: federation.GetIssuer(), Audiences: federation.GetAudiences(), Disabled: !federation.GetEnabled(),
		Keys: keysAt(ctx, federation.GetJwksUrl(), token),
	}
	setup := exchange.Setup{ServiceAccountID: account.GetId(), Suspended: account.GetStatus() == iam.ServiceAccount_SUSPENDED}
	if end := account.GetExpiresAt(); end != nil {
		setup.Expires = end.AsTime()
	}
	if setup.Links = links(link, credentials); len(setup.Links) == 0 {
		setup.Links = []exchange.Link{link}
	}
	return setup, account, nil
}

// links makes a link like the given one of each credential of the federation.
func links(like exchange.Link, credentials []*workload.FederatedCredential) []exchange.Link {
	var out []exchange.Link
	for _, c := range credentials {
		if c.GetFederationId() == like.FederationID {
			like.ServiceAccountID, like.Subject = c.GetServiceAccountId(), c.GetExternalSubjectId()
			out = append(out, like)
		}
	}
	return out
}

func (q Question) credentials(ctx context.Context, accountID string) ([]*workload.FederatedCredential, error) {
	all, err := cloud.All(func(token string) ([]*workload.FederatedCredential, string, error) {
		r, err := q.Cloud.FederatedCredentials().List(ctx, &workload.ListFederatedCredentialsRequest{ServiceAccountId: accountID, PageToken: token})
		return r.GetFederatedCredentials(), r.GetNextPageToken(), err
	})
	return all, cloud.While(err, "listing the federated credentials of the service account "+accountID)
}

// others are the credentials of the other accounts in an account's folder: no call
// lists those of a federation. What cannot be read is left out, which is no worse
// than not looking.
func (q Question) others(ctx context.Context, account *iam.ServiceAccount) []*workload.FederatedCredential {
	accounts, _ := cloud.All(func(token string) ([]*iam.ServiceAccount, string, error) {
		r, err := q.Cloud.ServiceAccounts().List(ctx, &iam.ListServiceAccountsRequest{FolderId: account.GetFolderId(), PageToken: token})
		return r.GetServiceAccounts(), r.GetNextPageToken(), err
	})
	var out []*workload.FederatedCredential
	for _, a := range accounts {
		if a.GetId() != account.GetId() {
			credentials, _ := q.credentials(ctx, a.GetId())
			out = append(out, credentials...)
		}
	}
	return out
}
