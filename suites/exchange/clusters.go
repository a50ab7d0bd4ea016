package exchange

import (
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

// ofAnotherCluster has a namespace and a service account of the same names in
// another cluster, whose token is for the same audience.
func ofAnotherCluster(ctx SpecContext) {
	linked := signing.Linked(ctx)
	run.Step("making another cluster")
	other, err := run.Current().Fixtures().Cluster(ctx, "other", provision.ClusterSpec{})
	check.Prerequisite(err, "making another cluster")
	api, err := run.Current().Open(other)
	check.Prerequisite(err, "connecting to the other cluster")
	// They go with the cluster.
	check.Prerequisite(api.CreateNamespace(ctx, linked.Namespace, nil), "making the namespace of the same name")
	check.Prerequisite(api.CreateServiceAccount(ctx, linked.Namespace, linked.Name), "making the service account of the same name")
	granted, err := api.RequestToken(ctx, linked.Namespace, linked.Name, cluster.TokenSpec{Audiences: []string{linked.Of.Issuer}})
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
