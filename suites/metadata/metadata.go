package metadata

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

var _ = Describe("The metadata address of a node", func() {
	timeouts := run.Current().Config.Timeouts
	operation, propagation, pod, exec := timeouts.Operation.D(), timeouts.Propagation.D(), timeouts.PodRunning.D(), timeouts.Exec.D()
	one := []any{run.Limit(operation, operation, operation, propagation, propagation, pod, exec, exec)}
	two := []any{run.Limit(operation, operation, operation, operation, operation, propagation, propagation, propagation, propagation, pod, pod, exec, exec, exec, exec)}

	It("gives a pod a token of the account that is named", check.Decides(conformance.MetadataToken), one, namedAccount)
	It("gives each pod its own", check.Decides(conformance.MetadataOwnAccount), two, ownAccount)
	It("gives nothing of others to a pod that names no account", check.Decides(conformance.MetadataUnannotated), two, unannotated)
	It("answers a pod that names no account somehow", check.Decides(conformance.MetadataUnannotatedAnswer), one, unannotatedAnswer)
	It("refuses a pod that names an account which is not linked to it", check.Decides(conformance.MetadataUnlinkedAccount), two, unlinkedAccount)
	It("refuses a request without the header", check.Decides(conformance.MetadataFlavorHeader), one, flavorHeader)
	It("gives nothing on a node group that is not enabled", check.Decides(conformance.MetadataNodeGroupFlag),
		run.Limit(timeouts.ClusterCreate.D(), timeouts.NodeGroupCreate.D(), timeouts.NodeGroupDelete.D(), timeouts.ClusterDelete.D(),
			operation, operation, operation, operation, propagation, propagation, propagation, pod, pod, exec, exec, exec), nodeGroupFlag)
})

// readable makes a secret that a pod's account may read.
func (l *lodger) readable(ctx context.Context) *lockbox.Secret {
	GinkgoHelper()
	secret := calling.Secret(ctx, "")
	calling.Grant(ctx, calling.Account{ID: l.accountID}, calling.Viewer, calling.On(secret))
	return secret
}

// bearer is the account that a token of a pod is said to be of.
func (l *lodger) bearer(token exchange.Token) calling.Account {
	return calling.Account{ID: l.accountID, Token: token}
}

// reads demands that a token reads a secret, once the role is in force.
func (l *lodger) reads(ctx context.Context, token exchange.Token, secret *lockbox.Secret) {
	GinkgoHelper()
	run.Step("reading a secret that the account may read")
	check.NoError(run.Current().Settled(ctx, calling.RoleGranted, l.bearer(token).Reads(secret)), "reading a secret with the token that the pod got")
}

func namedAccount(ctx SpecContext) {
	l := lodge(ctx, signing.World(ctx), named, linked)
	token := l.settles(ctx)
	l.reads(ctx, token, l.readable(ctx))
}

func ownAccount(ctx SpecContext) {
	world := signing.World(ctx)
	first, second := lodge(ctx, world, named, linked), lodge(ctx, world, named, linked)
	firstToken, secondToken := first.settles(ctx), second.settles(ctx)
	firstSecret, secondSecret := first.readable(ctx), second.readable(ctx)
	first.reads(ctx, firstToken, firstSecret)
	second.reads(ctx, secondToken, secondSecret)
	first.bearer(firstToken).Unreadable(ctx, secondSecret, "", "the secret is for the account of another pod")
	second.bearer(secondToken).Unreadable(ctx, firstSecret, "", "the secret is for the account of another pod")
}

// unannotated changes one thing: the service account of the second pod names nobody.
func unannotated(ctx SpecContext) {
	world := signing.World(ctx)
	twin := lodge(ctx, world, named, linked)
	secret := twin.readable(ctx)
	twin.bearer(twin.twin(ctx)).AwaitReads(ctx, secret)
	other := lodge(ctx, world)
	answer := other.asks(ctx, flavored)
	if answer.token != "" {
		// Some account's, such as the nodes': it must not be the one that the other pod names.
		calling.Account{ID: "of an unknown name", Token: answer.token}.Unreadable(ctx, secret, "", "the pod names no account")
	}
}

func unannotatedAnswer(ctx SpecContext) {
	answer := lodge(ctx, signing.World(ctx)).asks(ctx, flavored)
	check.Observe(check.ObservedOutcome, answer.outcome())
	check.Observe(check.ObservedStatus, answer.code())
}

func unlinkedAccount(ctx SpecContext) {
	world := signing.World(ctx)
	lodge(ctx, world, named, linked).twin(ctx)
	lodge(ctx, world, named).getsNothing(ctx, flavored, "the account that is named is not linked to the pod's")
}

func flavorHeader(ctx SpecContext) {
	l := lodge(ctx, signing.World(ctx), named, linked)
	l.twin(ctx)
	l.getsNothing(ctx, "", "the request has no header Metadata-Flavor")
}

// nodeGroupFlag has a cluster of its own. That its pod is linked as it should be shows the
// token endpoint, which knows nothing of nodes.
func nodeGroupFlag(ctx SpecContext) {
	lodge(ctx, signing.World(ctx), named, linked).twin(ctx)
	run.Step("making a cluster whose nodes are not enabled")
	of, err := run.Current().Fixtures().Cluster(ctx, "plain-nodes", provision.ClusterSpec{Nodes: true, PlainNodes: true})
	check.Prerequisite(err, "making a cluster for the check")
	l := lodge(ctx, signing.In(ctx, run.Current().Fixtures(), of), named, linked)
	check.Prerequisite(exchanging.Settled(ctx, "a link is made", exchange.Form(l.Token(ctx), l.accountID)), "waiting for the first exchange of a token of that cluster")
	l.getsNothing(ctx, flavored, "workload identity federation is not enabled on the node group")
}
