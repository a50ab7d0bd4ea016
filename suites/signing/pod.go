package signing

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/e2e-framework/klient/decoder"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// podPoll is how often a pod is looked at.
const podPoll = 250 * time.Millisecond

// Pod is a pod of an account.
type Pod struct {
	*Account
	Object *corev1.Pod
	shell  *workload.Shell
}

// Plant creates the tutorial's pod under a name of its own, with what change makes of
// it (nil: nothing), and waits for nothing. It is deleted when the spec ends.
func (a *Account) Plant(ctx context.Context, change func(*corev1.Pod)) *Pod {
	GinkgoHelper()
	manifest, err := manifests.Fill(manifests.Pod, map[string]string{manifests.IssuerPlaceholder: a.Of.Issuer})
	check.Prerequisite(err, "reading the pod's manifest")
	p := &Pod{Account: a, Object: &corev1.Pod{}}
	check.Prerequisite(decoder.DecodeString(manifest, p.Object, decoder.MutateNamespace(a.Namespace)), "reading the pod's manifest")
	p.Object.Name, p.Object.Spec.ServiceAccountName = "check-"+strings.ToLower(rand.Text()[:8]), a.Name
	if change != nil {
		change(p.Object)
	}
	check.Prerequisite(a.Cluster.Resources.Create(ctx, p.Object), "creating a pod for the check")
	DeferCleanup(func(ctx SpecContext) { p.Uproot(ctx) }, run.Limit(run.Current().Config.Timeouts.Delete.D()))
	return p
}

// Run is Plant, and waits until the pod runs.
func (a *Account) Run(ctx context.Context, change func(*corev1.Pod)) *Pod {
	GinkgoHelper()
	run.Step("running a pod")
	p := a.Plant(ctx, change)
	run.KeepPod(a.Namespace, p.Object.Name)
	p.AwaitRunning(ctx)
	return p
}

// AwaitRunning waits until the pod runs. A check whose pod does not run knows nothing.
func (p *Pod) AwaitRunning(ctx context.Context) {
	GinkgoHelper()
	failure := InterceptGomegaFailure(func() {
		Eventually(ctx, check.Poll(workload.Pod(p.Cluster, p.Namespace, p.Object.Name))).
			WithTimeout(run.Current().Config.Timeouts.PodRunning.D()).WithPolling(podPoll).Should(workload.BeRunning())
	})
	check.Prerequisite(failure, "running a pod for the check")
}

// AwaitRestart waits until the pod's container runs again after an end.
func (p *Pod) AwaitRestart(ctx context.Context) {
	GinkgoHelper()
	p.leave()
	failure := InterceptGomegaFailure(func() {
		Eventually(ctx, check.Poll(workload.Pod(p.Cluster, p.Namespace, p.Object.Name))).
			WithTimeout(run.Current().Config.Timeouts.PodRunning.D()).WithPolling(podPoll).
			Should(And(workload.BeRunning(), HaveField("Status.ContainerStatuses", ConsistOf(HaveField("RestartCount", BeNumerically(">", 0))))))
	})
	check.Prerequisite(failure, "waiting for the restart of the pod's container")
}

// Now is the pod as the API server has it now.
func (p *Pod) Now(ctx context.Context) *corev1.Pod {
	GinkgoHelper()
	pod, err := workload.Pod(p.Cluster, p.Namespace, p.Object.Name)(ctx)
	check.Prerequisite(err, "reading the pod")
	return pod
}

// Status is what the node says of the pod's container.
func (p *Pod) Status(ctx context.Context) corev1.ContainerStatus {
	GinkgoHelper()
	pod := p.Now(ctx)
	if len(pod.Status.ContainerStatuses) != 1 {
		check.Prerequisite(fmt.Errorf("it lists %d containers, not 1", len(pod.Status.ContainerStatuses)), "reading the pod's status")
	}
	return pod.Status.ContainerStatuses[0]
}

// Uproot deletes the pod at once and waits until it is gone. One that is gone
// already is no error.
func (p *Pod) Uproot(ctx context.Context) {
	GinkgoHelper()
	p.leave()
	check.Prerequisite(workload.Delete(ctx, p.Cluster, p.Object, 0), "deleting the check's pod")
	failure := InterceptGomegaFailure(func() {
		Eventually(ctx, check.Poll(workload.Presence(p.Cluster, p.Object, p.Namespace, p.Object.Name))).
			WithTimeout(run.Current().Config.Timeouts.Delete.D()).WithPolling(podPoll).Should(Equal(cluster.Absent))
	})
	check.Prerequisite(failure, "deleting the check's pod")
}

// leave ends the shell, if there is one.
func (p *Pod) leave() {
	if p.shell != nil {
		_ = p.shell.Close()
		p.shell = nil
	}
}

// Type runs a command in a shell of the pod, which stays open, and returns what it
// wrote, whatever its exit status.
func (p *Pod) Type(ctx context.Context, command string) (workload.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, run.Current().Config.Timeouts.Exec.D())
	defer cancel()
	if p.shell == nil {
		shell, err := workload.OpenShell(ctx, p.Cluster, p.Namespace, p.Object.Name, manifests.ContainerName)
		if err != nil {
			return workload.Result{}, err
		}
		p.shell = shell
	}
	return p.shell.Run(ctx, command)
}

// Read is what a command wrote; one that fails is an ERROR of the check.
func (p *Pod) Read(ctx context.Context, command string) string {
	GinkgoHelper()
	result, err := p.Type(ctx, command)
	if err == nil && result.Status != 0 {
		err = fmt.Errorf("it ended with code %d: %s", result.Status, check.OneLine(result.Stderr))
	}
	check.Prerequisite(err, "running a command in the pod")
	return result.Stdout
}

// Projected is the token in the pod's file.
func (p *Pod) Projected(ctx context.Context) exchange.Token {
	GinkgoHelper()
	return exchange.Token(strings.TrimSpace(p.Read(ctx, "cat "+manifests.TokenPath)))
}
