package lifecycle

import (
	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// One cluster goes through all of it. Each check first brings the cluster into the
// state that it needs, so that each can be run alone.
var _ = Describe("A cluster that was made without workload identity federation", Ordered, ContinueOnFailure, func() {
	timeouts := run.Current().Config.Timeouts
	create, group := timeouts.ClusterCreate.D(), timeouts.NodeGroupCreate.D()
	update, call, propagation, gone := timeouts.ClusterCreate.D(), timeouts.Call.D(), timeouts.Propagation.D(), timeouts.ClusterDelete.D()
	s := &story{}

	BeforeAll(s.begin, run.Limit(create, group, call))

	It("signs as its public issuer once that is enabled", check.Decides(conformance.LifecycleEnable), run.Limit(update, call, propagation, propagation), s.enable)
	It("leaves tokens with the issuer that they have", check.Decides(conformance.LifecycleOldIssuerTokens), run.Limit(update, propagation, propagation, call), s.oldIssuerTokens)
	It("has node groups that tell whether it is enabled on them", check.Decides(conformance.LifecycleNodeGroupFlag), run.Limit(update, group, group, call), s.nodeGroupFlag)
	It("keeps its issuer and keys when it is stopped and started", check.Decides(conformance.LifecycleRestart), run.Limit(update, propagation, update, update, propagation), s.restart)
	It("may have its tokens exchanged when it is disabled", check.Decides(conformance.LifecycleDisabledTokens), run.Limit(update, propagation, update, call), s.disabledTokens)
	It("reports that it is disabled again", check.Decides(conformance.LifecycleDisable), run.Limit(update, propagation, update, call), s.disable)
	It("may leave its keys behind when it is deleted", check.Decides(conformance.LifecycleDeleteRemovesIssuer), run.Limit(update, propagation, gone, call), s.deleted)
})

var _ = Describe("A cluster with workload identity federation", func() {
	timeouts := run.Current().Config.Timeouts
	create, call, propagation := timeouts.ClusterCreate.D(), timeouts.Call.D(), timeouts.Propagation.D()

	It("may need Kubernetes 1.30", check.Decides(conformance.LifecycleVersionRequirement), run.Limit(create, call), oldVersion)
	It("may need the rapid release channel", check.Decides(conformance.LifecycleChannelRequirement), run.Limit(create, call), otherChannel)
	It("keeps its issuer and keys when it is upgraded", check.Decides(conformance.LifecycleUpgrade), run.Limit(create, create, propagation, propagation), upgrade)
})
