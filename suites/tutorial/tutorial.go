package tutorial

import (
	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// Each step stands on the ones before it, as it does for the tutorial's reader.
var _ = Describe("The Managed Kubernetes tutorial", Ordered, func() {
	timeouts := run.Current().Config.Timeouts
	call, exec, propagation := timeouts.Call.D(), timeouts.Exec.D(), timeouts.Propagation.D()
	w := &walk{Run: run.Current()}

	AfterAll(func(ctx SpecContext) { w.leave(ctx) }, run.Limit(exec))

	It("shows issuer and JWKS URL of the cluster", check.Decides(conformance.TutorialClusterWLIFEnabled), run.Limit(call), w.clusterWLIFEnabled)
	It("has the Kubernetes service account", check.Decides(conformance.TutorialKSACreated), run.Limit(call), w.ksaCreated)
	It("has the federation", check.Decides(conformance.TutorialFederationCreated), run.Limit(call), w.federationCreated)
	It("has the IAM service account", check.Decides(conformance.TutorialSACreated), run.Limit(call), w.saCreated)
	It("lists its role on the folder", check.Decides(conformance.TutorialRoleGranted), run.Limit(propagation, call), w.roleGranted)
	It("links it to the federation", check.Decides(conformance.TutorialLinked), run.Limit(propagation, call), w.linked)
	It("has the Lockbox secret", check.Decides(conformance.TutorialSecretCreated), run.Limit(call), w.secretCreated)
	It("runs the test pod", check.Decides(conformance.TutorialPodRunning), run.Limit(timeouts.PodRunning.D()), w.podRunning)
	It("reaches the cloud's API from the pod", check.Decides(conformance.TutorialNodeEgress), run.Limit(timeouts.PodRunning.D(), exec), w.nodeEgress)
	It("exchanges the pod's token in the tutorial's shell", check.Decides(conformance.TutorialExchange), run.Limit(exec, exec, propagation, exec), w.exchange)
	It("reads the secret in the tutorial's shell", check.Decides(conformance.TutorialPayload), run.Limit(propagation, exec, call), w.payload)
	It("deletes what belongs to the tutorial alone", check.Decides(conformance.TutorialDeleted), run.Limit(timeouts.Delete.D(), timeouts.Delete.D()), w.deleted)
})

// walk is the reader's way through the tutorial: what one step has, the next
// one uses.
type walk struct {
	*run.Run
	podCreated bool
	shell      *workload.Shell
	signedIn   bool
}

func (w *walk) leave(SpecContext) {
	if w.shell != nil {
		_ = w.shell.Close()
	}
}
