package lifecycle

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

const (
	methodUpdate = "yandex.cloud.k8s.v1.ClusterService/Update"
	methodCreate = "yandex.cloud.k8s.v1.ClusterService/Create"
	methodStop   = "yandex.cloud.k8s.v1.ClusterService/Stop"
	methodStart  = "yandex.cloud.k8s.v1.ClusterService/Start"
	methodGroup  = "yandex.cloud.k8s.v1.NodeGroupService/Update"
	// federationEnabled is the field that both kinds of update name.
	federationEnabled = "workload_identity_federation.enabled"
)

// subject is a cluster of the checks' own, with an account in it.
type subject struct {
	account *signing.Account
	// askedOff: the last change that a check asked for was to disable.
	askedOff bool
}

// make creates the cluster. It is deleted when the present node ends.
func (s *subject) make(ctx context.Context, what string, spec provision.ClusterSpec) {
	GinkgoHelper()
	run.Step("creating a cluster for the check")
	r := run.Current()
	made, err := r.Fixtures().Cluster(ctx, what, spec)
	check.Prerequisite(err, "creating a cluster for the check")
	// The namespace goes with the cluster.
	s.account = signing.In(ctx, r.SharedFixtures(), made)
}

func (s *subject) id() string { return s.account.Of.ID }

// look reads what the cloud says of the cluster, and connects to it again.
func (s *subject) look(ctx context.Context) *k8s.Cluster {
	GinkgoHelper()
	found, err := run.Current().Cloud.Clusters().Get(ctx, &k8s.GetClusterRequest{ClusterId: s.id()})
	check.NoError(err, "reading the cluster "+s.id())
	group := s.account.Of.NodeGroupID
	s.account.Of = provision.ClusterOf(found, run.Current().Config.InternalEndpoint)
	s.account.Of.NodeGroupID = group
	opened, err := run.Current().Open(s.account.Of)
	check.Prerequisite(err, "connecting to the cluster "+s.id())
	s.account.Cluster = opened
	return found
}

// does waits for what a call to the cloud starts.
func does(ctx context.Context, doing, method string, call func(context.Context) (*operation.Operation, error)) {
	GinkgoHelper()
	run.Step(doing)
	op, err := call(ctx)
	if err == nil {
		err = run.Current().Cloud.Wait(ctx, method, op, nil, nil)
	}
	check.NoError(err, doing)
}

// federate switches workload identity federation, as the tutorial does on an
// existing cluster.
func (s *subject) federate(ctx context.Context, on bool) *k8s.Cluster {
	GinkgoHelper()
	doing := "enabling workload identity federation on cluster " + s.id()
	if !on {
		doing = "disabling workload identity federation on cluster " + s.id()
	}
	does(ctx, doing, methodUpdate, func(ctx context.Context) (*operation.Operation, error) {
		return run.Current().Cloud.Clusters().Update(ctx, &k8s.UpdateClusterRequest{ClusterId: s.id(),
			WorkloadIdentityFederation: &k8s.WorkloadIdentityFederationSpec{Enabled: on},
			UpdateMask:                 &fieldmaskpb.FieldMask{Paths: []string{federationEnabled}}})
	})
	s.askedOff = !on
	return s.look(ctx)
}

// enabled brings the cluster into that state, if it is not in it.
func (s *subject) enabled(ctx context.Context) {
	GinkgoHelper()
	if !s.look(ctx).GetWorkloadIdentityFederation().GetEnabled() {
		s.federate(ctx, true)
	}
	s.awaitIssuer(ctx)
}

// awaitIssuer waits until new tokens have the reported issuer.
func (s *subject) awaitIssuer(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, check.Poll(s.newIss)).WithTimeout(run.Current().Config.Timeouts.Propagation.D()).WithPolling(run.Poll).
		Should(Equal(s.account.Of.Issuer), "new tokens do not have the issuer that the cloud reports")
}

// newIss is the iss of a token that is asked for now.
func (s *subject) newIss(ctx context.Context) (string, error) {
	granted, err := s.account.Request(ctx, cluster.TokenSpec{})
	if err != nil {
		return "", err
	}
	claims, err := exchange.ReadClaims(granted.Token)
	return claims.Issuer, err
}
