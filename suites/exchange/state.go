package exchange

import (
	"context"
	"crypto/rand"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// Each check has a stack of its own, which works before the change: that is its
// twin. What can be undone is, and then works again.
var _ = Describe("An exchange is refused after", func() {
	timeouts := run.Current().Config.Timeouts
	change, spread := timeouts.Operation.D(), timeouts.Propagation.D()
	changes := func(text, requirement string, body func(context.Context, *forge.Stack)) {
		It(text, check.Decides(requirement), forge.Limit(change, change, change, spread, spread, spread), func(ctx SpecContext) {
			body(ctx, forge.Own(ctx, forge.Options{}))
		})
	}
	changes("the federation was disabled, until it is enabled", conformance.ExchangeFederationDisabled, federationDisabled)
	changes("the federation was deleted", conformance.ExchangeFederationDeleted, federationDeleted)
	changes("the credential was deleted", conformance.ExchangeCredentialDeleted, func(ctx context.Context, s *forge.Stack) {
		check.Prerequisite(s.Fixtures.Delete(ctx, s.CredentialID), "deleting the federated credential")
		refusedFromNowOn(ctx, s, "a link is deleted")
	})
	changes("the service account was suspended, until it is reactivated", conformance.ExchangeSASuspended, accountSuspended)
	changes("the service account was deleted", conformance.ExchangeSADeleted, accountDeleted)
	changes("the audience was taken off the federation", conformance.ExchangeAudienceRemoved, audienceRemoved)
	changes("the federation's JWKS URL became another", conformance.ExchangeJWKSURLChanged, jwksURLChanged)
	changes("the signing key was taken out of the JWKS", conformance.ExchangeSigningKeyRetired, keyRetired)
})

var _ = Describe("An exchange is refused for", func() {
	propagation := run.Current().Config.Timeouts.Propagation.D()
	It("a service account that another subject is linked to", check.Decides(conformance.ExchangeCredentialOfOtherSA), forge.Limit(propagation), func(ctx SpecContext) {
		one, two := forge.World(ctx), forge.Own(ctx, forge.Options{})
		// Both are linked to their own federation; the token is good for the first alone.
		_, err := two.Fixtures.Link(ctx, two.AccountID, one.Federation.GetId(), one.Subject+"-2")
		check.Prerequisite(err, "linking another subject of the same federation")
		exchanging.Settles(ctx, "a link is made", exchange.Form(one.Token(issuer.WithClaim("sub", one.Subject+"-2")), two.AccountID))
		exchanging.Twin(ctx, one.Form(one.Token()))
		exchanging.Refused(ctx, exchange.Form(one.Token(), two.AccountID), "the subject is linked to another service account than the one that is asked for")
	})
	It("a service account that does not exist", check.Decides(conformance.ExchangeSAUnknown), forge.Limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		exchanging.Twin(ctx, w.Form(w.Token()))
		exchanging.Refused(ctx, exchange.Form(w.Token(), unknownAccount(w.AccountID)), "the service account does not exist")
	})
	It("a service account without any link", check.Decides(conformance.ExchangeSAUnlinked), forge.Limit(), func(ctx SpecContext) {
		w := forge.World(ctx)
		unlinked, err := run.Current().Fixtures().ServiceAccount(ctx, "unlinked", "")
		check.Prerequisite(err, "making a service account without a link")
		exchanging.Twin(ctx, w.Form(w.Token()))
		exchanging.Refused(ctx, exchange.Form(w.Token(), unlinked), "the service account has no federated credential")
	})
})

// refusedFromNowOn waits until a token that passed is refused.
func refusedFromNowOn(ctx context.Context, s *forge.Stack, what string, with ...issuer.Mutation) {
	GinkgoHelper()
	run.Step("refused: " + what)
	run.Current().Settle(ctx, what, exchanging.RefusalProbe(s.Form(s.Token(with...))))
}

// updateFederation changes what mask names, and waits for the operation.
func updateFederation(ctx context.Context, s *forge.Stack, change *oidc.UpdateFederationRequest, mask string) {
	GinkgoHelper()
	change.FederationId, change.UpdateMask = s.Federation.GetId(), &fieldmaskpb.FieldMask{Paths: []string{mask}}
	client := run.Current().Cloud
	op, err := client.Federations().Update(ctx, change)
	finished(ctx, op, err, "yandex.cloud.iam.v1.workload.oidc.FederationService/Update", "changing "+mask+" of the federation")
}

// finished waits for an operation that the check is not about.
func finished(ctx context.Context, op *operation.Operation, err error, method, doing string) {
	GinkgoHelper()
	check.Prerequisite(err, doing)
	check.Prerequisite(run.Current().Cloud.Wait(ctx, method, op, nil, nil), doing)
}

func federationDisabled(ctx context.Context, s *forge.Stack) {
	updateFederation(ctx, s, &oidc.UpdateFederationRequest{Disabled: true}, "disabled")
	refusedFromNowOn(ctx, s, "a federation is disabled")
	updateFederation(ctx, s, &oidc.UpdateFederationRequest{}, "disabled")
	exchanging.Settles(ctx, "a federation is enabled", s.Form(s.Token()))
}

// federationDeleted takes the credential along where a cloud demands it: what it
// demands is another requirement's business.
func federationDeleted(ctx context.Context, s *forge.Stack) {
	err := s.Fixtures.Delete(ctx, s.Federation.GetId())
	var refused *cloud.Error
	if errors.As(err, &refused) && refused.Code == codes.FailedPrecondition {
		check.Prerequisite(s.Fixtures.Delete(ctx, s.CredentialID), "deleting the credential before its federation")
		err = s.Fixtures.Delete(ctx, s.Federation.GetId())
	}
	check.Prerequisite(err, "deleting the federation")
	refusedFromNowOn(ctx, s, "a federation is deleted")
}

func accountSuspended(ctx context.Context, s *forge.Stack) {
	const service = "yandex.cloud.iam.v1.ServiceAccountService/"
	accounts := run.Current().Cloud.ServiceAccounts()
	op, err := accounts.Suspend(ctx, &iam.SuspendServiceAccountRequest{ServiceAccountId: s.AccountID, Reason: "a conformance check"})
	finished(ctx, op, err, service+"Suspend", "suspending the service account")
	refusedFromNowOn(ctx, s, "a service account is suspended")
	op, err = accounts.Reactivate(ctx, &iam.ReactivateServiceAccountRequest{ServiceAccountId: s.AccountID})
	finished(ctx, op, err, service+"Reactivate", "reactivating the service account")
	exchanging.Settles(ctx, "a service account is reactivated", s.Form(s.Token()))
}

func accountDeleted(ctx context.Context, s *forge.Stack) {
	check.Prerequisite(s.Fixtures.Delete(ctx, s.AccountID), "deleting the service account")
	refusedFromNowOn(ctx, s, "a service account is deleted")
}

func audienceRemoved(ctx context.Context, s *forge.Stack) {
	other := s.Audience + "-2"
	updateFederation(ctx, s, &oidc.UpdateFederationRequest{Audiences: []string{other}}, "audiences")
	refusedFromNowOn(ctx, s, "an audience is removed")
	exchanging.Twin(ctx, s.Form(s.Token(issuer.WithClaim("aud", other))))
}

// jwksURLChanged has the same issuer's keys at the new URL, but for the one that
// signs.
func jwksURLChanged(ctx context.Context, s *forge.Stack) {
	other := listed()
	address, err := s.Publish(ctx, "changed/"+other.ID()+".json", issuer.JWKS(other))
	check.Prerequisite(err, "publishing another key set")
	updateFederation(ctx, s, &oidc.UpdateFederationRequest{JwksUrl: address}, "jwks_url")
	exchanging.Settles(ctx, "a JWKS URL is changed", s.Form(s.Token(issuer.SignedBy(other))))
	refusedFromNowOn(ctx, s, "a former JWKS URL is forgotten")
}

// keyRetired publishes a key set again without the key that signed. How long a
// cloud keeps what it fetched is not documented: an unknown kid, that of the new
// key, makes it look again.
func keyRetired(ctx context.Context, s *forge.Stack) {
	// Two key pairs, under kids that no other check knows.
	old, fresh := s.Host.Issuer.Key(issuer.RSA).Named(rand.Text()), listed()
	path := "retired/" + old.ID() + ".json"
	address, err := s.Publish(ctx, path, issuer.JWKS(old))
	check.Prerequisite(err, "publishing a key set")
	updateFederation(ctx, s, &oidc.UpdateFederationRequest{JwksUrl: address}, "jwks_url")
	exchanging.Settles(ctx, "a JWKS URL is changed", s.Form(s.Token(issuer.SignedBy(old))))
	_, err = s.Publish(ctx, path, issuer.JWKS(fresh))
	check.Prerequisite(err, "publishing the key set without the former key")
	exchanging.Settles(ctx, "a new key is known", s.Form(s.Token(issuer.SignedBy(fresh))))
	refusedFromNowOn(ctx, s, "a retired key is forgotten", issuer.SignedBy(old))
}
