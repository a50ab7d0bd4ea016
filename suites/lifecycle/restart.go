package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

// keepsIdentity demands that a change leaves issuer, keys and tokens as they are.
func (s *subject) keepsIdentity(ctx context.Context, change func()) {
	GinkgoHelper()
	link := signing.To(ctx, run.Current().Fixtures(), s.account)
	issuer, before := s.account.Of.Issuer, s.account.Token(ctx)
	change()
	found := s.look(ctx)
	Expect(found.GetStatus()).To(Equal(k8s.Cluster_RUNNING), "the cluster does not run")
	Expect(found.GetWorkloadIdentityFederation().GetIssuer()).To(Equal(issuer), "the cluster has another issuer")
	s.awaitIssuer(ctx)
	run.Step("a token from before is exchanged")
	exchanging.Accepted(ctx, link.Form(before))
	run.Step("a token from after is exchanged")
	exchanging.Accepted(ctx, link.Form(s.account.Token(ctx)))
}

func (s *story) restart(ctx SpecContext) {
	s.enabled(ctx)
	clusters := run.Current().Cloud.Clusters()
	s.keepsIdentity(ctx, func() {
		does(ctx, "stopping cluster "+s.id(), methodStop, func(ctx context.Context) (*operation.Operation, error) {
			return clusters.Stop(ctx, &k8s.StopClusterRequest{ClusterId: s.id()})
		})
		does(ctx, "starting cluster "+s.id(), methodStart, func(ctx context.Context) (*operation.Operation, error) {
			return clusters.Start(ctx, &k8s.StartClusterRequest{ClusterId: s.id()})
		})
	})
}

// offered are the minors of a release channel, oldest first.
func offered(ctx context.Context, channel string) []string {
	GinkgoHelper()
	listed, err := run.Current().Cloud.Versions().List(ctx, &k8s.ListVersionsRequest{})
	check.Prerequisite(err, "listing the Kubernetes versions on offer")
	for _, a := range listed.GetAvailableVersions() {
		if strings.EqualFold(a.GetReleaseChannel().String(), channel) {
			return slices.SortedFunc(slices.Values(a.GetVersions()), byMinor)
		}
	}
	return nil
}

// byMinor compares versions such as 1.9 and 1.30.
func byMinor(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func upgrade(ctx SpecContext) {
	versions := offered(ctx, run.Current().Config.ReleaseChannel)
	if len(versions) < 2 {
		check.Needs(conformance.ClusterRestart, false, "its release channel offers no two Kubernetes versions")
	}
	from, to := versions[len(versions)-2], versions[len(versions)-1]
	s := &subject{}
	s.make(ctx, "upgrade", provision.ClusterSpec{Version: from})
	s.keepsIdentity(ctx, func() {
		does(ctx, "upgrading cluster "+s.id()+" from "+from+" to "+to, methodUpdate, func(ctx context.Context) (*operation.Operation, error) {
			return run.Current().Cloud.Clusters().Update(ctx, &k8s.UpdateClusterRequest{ClusterId: s.id(),
				MasterSpec: &k8s.MasterUpdateSpec{Version: &k8s.UpdateVersionSpec{Specifier: &k8s.UpdateVersionSpec_Version{Version: to}}},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"master_spec.version.version"}}})
		})
	})
	Expect(s.look(ctx).GetMaster().GetVersion()).To(Equal(to), "the cluster reports another version")
}

// oldVersion asks for the last minor that the tutorial rules out.
func oldVersion(ctx SpecContext) {
	if versions := offered(ctx, run.Current().Config.ReleaseChannel); len(versions) > 0 {
		check.Observe("oldest version on offer", versions[0])
	}
	observeCreation(ctx, "old-version", provision.ClusterSpec{Version: "1.29"})
}

func otherChannel(ctx SpecContext) {
	const channel = "regular"
	spec := provision.ClusterSpec{Channel: channel}
	if versions := offered(ctx, channel); len(versions) > 0 {
		spec.Version = versions[len(versions)-1]
	}
	observeCreation(ctx, "channel", spec)
}

// observeCreation notes how a cluster is refused, or that it is not.
func observeCreation(ctx context.Context, what string, spec provision.ClusterSpec) {
	GinkgoHelper()
	run.Step("creating a cluster with workload identity federation")
	_, err := run.Current().Fixtures().Cluster(ctx, what, spec)
	var answer *cloud.Error
	if err != nil && (!errors.As(err, &answer) || answer.Method != methodCreate) {
		check.Prerequisite(err, "preparing the creation of a cluster")
	}
	check.ObserveAnswer(err, "creating a cluster with workload identity federation")
}
