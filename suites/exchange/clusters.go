package exchange

import (
	"context"

	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

// Tokens that clusters really signed: a forged one alone does not prove that a
// federation looks at what Kubernetes writes.
var _ = Describe("An exchange is refused for a token", func() {
	timeouts := run.Current().Config.Timeouts
	It("of another cluster", check.Decides(conformance.ExchangeTokenOfOtherCluster),
		forge.Limit(timeouts.ClusterCreate.D(), timeouts.ClusterDelete.D()), ofAnotherCluster)
	It("that only names the cluster as its issuer", check.Decides(conformance.ExchangeOtherClusterSameIss), forge.Limit(), sameIssuerString)
	It("that the cluster signed for another audience", check.Decides(conformance.ExchangeClusterOtherAudience), forge.Limit(), forAnotherAudience)
})

// another is an account in another cluster with the names of one in the run's.
func another(ctx context.Context, like *signing.Account) *signing.Account {
	GinkgoHelper()
	r := run.Current()
	var other provision.Cluster
	var err error
	namespaces := r.Fixtures()
	if id := r.Config.OtherClusterID; id != "" {
		other, err = provision.ExistingCluster(ctx, r.Cloud, "other_cluster_id", id, r.Config.InternalEndpoint)
	} else {
		run.Step("making another cluster")
		namespaces = r.SharedFixtures() // it goes with the cluster
		other, err = r.Fixtures().Cluster(ctx, "other", provision.ClusterSpec{})
	}
	check.Prerequisite(err, "finding another cluster")
	_, err = namespaces.NamespaceLike(ctx, other, like.Namespace, like.Name)
	check.Prerequisite(err, "making a service account of the same name in another cluster")
	opened, err := r.Open(other)
	check.Prerequisite(err, "connecting to the other cluster")
	return &signing.Account{Cluster: opened, Of: other, Namespace: like.Namespace, Name: like.Name}
}

// ofAnotherCluster has a namespace and a service account of the same names in
// another cluster, whose token is for the same audience.
func ofAnotherCluster(ctx SpecContext) {
	linked := signing.Linked(ctx)
	granted, err := another(ctx, linked.Account).Request(ctx, cluster.TokenSpec{Audiences: []string{linked.Of.Issuer}})
	check.Prerequisite(err, "getting a token of the other cluster")

	exchanging.Twin(ctx, linked.Form(linked.Token(ctx)))
	exchanging.Refused(ctx, linked.Form(granted.Token), "another cluster signed the token, for a service account of the same name")
}

// sameIssuerString is what another cluster could be made to write: everything but
// the key is the cluster's own.
func sameIssuerString(ctx SpecContext) {
	linked := signing.Linked(ctx)
	genuine := linked.Token(ctx)
	claims, err := exchange.ReadClaims(genuine)
	check.Prerequisite(err, "reading the claims of the cluster's token")
	stranger := unpublished()
	other := issuer.Of(linked.Of.Issuer, stranger)

	exchanging.Twin(ctx, linked.Form(genuine))
	for changed, key := range map[string]*issuer.Key{
		"a key that the cluster does not publish signed the token":         stranger,
		"another key signed the token, under the kid of the cluster's own": stranger.Named(claims.KeyID),
	} {
		forged, err := other.Forge(other.Claims(linked.Subject(), linked.Of.Issuer), issuer.SignedBy(key))
		check.Prerequisite(err, "forging a token")
		exchanging.Refused(ctx, linked.Form(forged), changed)
	}
}

func forAnotherAudience(ctx SpecContext) {
	linked := signing.Linked(ctx)
	exchanging.Twin(ctx, linked.Form(linked.Token(ctx)))
	for _, audience := range []string{"https://other.example", linked.ServiceAccountID, linked.Of.Issuer + "/"} {
		granted, err := linked.Request(ctx, cluster.TokenSpec{Audiences: []string{audience}})
		check.Prerequisite(err, "getting a token for another audience")
		exchanging.Refused(ctx, linked.Form(granted.Token), "the cluster signed the token for the audience "+audience)
	}
}
