package signing

import (
	"context"
	"net/url"

	"github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// Link lets an account act as an IAM service account.
type Link struct {
	*Account
	Federation *oidc.Federation
	// ServiceAccountID is the IAM service account.
	ServiceAccountID string
}

// Form is the request that exchanges a token for an IAM token of the service
// account.
func (l *Link) Form(token exchange.Token) url.Values {
	return exchange.Form(token, l.ServiceAccountID)
}

// To links an account through a federation as the tutorial makes it: issuer and
// audience are the cluster's issuer. It waits until an exchange succeeds; without
// that a check knows nothing.
func To(ctx context.Context, f *provision.Fixtures, a *Account) *Link {
	ginkgo.GinkgoHelper()
	l := asTutorial(ctx, f, a)
	check.Prerequisite(l.ready(ctx), "waiting for the first exchange of a token of the cluster")
	return l
}

func asTutorial(ctx context.Context, f *provision.Fixtures, a *Account) *Link {
	ginkgo.GinkgoHelper()
	run.Step("making a federation that trusts the cluster")
	return Unready(ctx, f, a, provision.FederationSpec{Issuer: a.Of.Issuer, JWKSURL: a.Of.JWKSURL, Audiences: []string{a.Of.Issuer}})
}

func (l *Link) ready(ctx context.Context) error {
	ginkgo.GinkgoHelper()
	return exchanging.Settled(ctx, "a link is made", l.Form(l.Token(ctx)))
}

// Unready links an account through any federation, and waits for nothing: the
// check decides what comes of it.
func Unready(ctx context.Context, f *provision.Fixtures, a *Account, spec provision.FederationSpec) *Link {
	ginkgo.GinkgoHelper()
	l := &Link{Account: a}
	var err error
	l.Federation, err = f.Federation(ctx, "cluster", spec)
	check.Prerequisite(err, "making a federation for the check")
	l.ServiceAccountID, err = f.ServiceAccount(ctx, "cluster", "")
	check.Prerequisite(err, "making a service account for the check")
	_, err = f.Link(ctx, l.ServiceAccountID, l.Federation.GetId(), a.Subject())
	check.Prerequisite(err, "linking the service account")
	return l
}

// Linked is the link of World that all checks of this process share.
func Linked(ctx context.Context) *Link {
	ginkgo.GinkgoHelper()
	account := World(ctx)
	shared.Lock()
	defer shared.Unlock()
	if shared.linked == nil {
		shared.linked = asTutorial(ctx, run.Current().SharedFixtures(), account)
		shared.unusable = shared.linked.ready(ctx)
	}
	check.Prerequisite(shared.unusable, "waiting for the first exchange of a token of the cluster")
	return shared.linked
}
