package issuer

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

const (
	// upstreamImage is the image of Kubernetes' own tests, in the version that the tests
	// of Kubernetes 1.36 run (test/utils/image/manifest.go).
	upstreamImage = "registry.k8s.io/e2e-test-images/agnhost:2.63.0"
	// upstreamAudience is the one that the test asks for.
	upstreamAudience = "oidc-discovery-test"
)

// The ways in which the program ends.
const (
	succeeded = "succeeded"
	failed    = "failed"
)

// upstream makes the tutorial's pod that of Kubernetes' own test
// (test/e2e/auth/service_accounts.go).
func upstream(pod *corev1.Pod) {
	seconds := int64(shortest.Seconds())
	token := pod.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken
	token.Audience, token.ExpirationSeconds = upstreamAudience, &seconds
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	container := &pod.Spec.Containers[0]
	container.Image = upstreamImage
	container.Args = []string{"test-service-account-issuer-discovery", "--token-path", manifests.TokenPath, "--audience", upstreamAudience}
}

func upstreamDiscovery(ctx SpecContext) {
	pod := signing.World(ctx).Plant(ctx, upstream)
	run.KeepPod(pod.Namespace, pod.Object.Name)
	run.Step("waiting for the end of Kubernetes' own program in a pod")
	var ended *corev1.Pod
	wait := InterceptGomegaFailure(func() {
		Eventually(ctx, check.Poll(func(ctx context.Context) (_ *corev1.Pod, err error) {
			ended, err = workload.EndingPod(pod.Cluster, pod.Namespace, pod.Object.Name)(ctx)
			return ended, err
		})).WithTimeout(run.Current().Config.Timeouts.PodRunning.D()).WithPolling(run.Poll).Should(workload.HaveEnded())
	})
	check.Prerequisite(wait, "waiting for the end of Kubernetes' own program in a pod")
	outcome, err := outcomeOf(ended)
	check.Prerequisite(err, "running Kubernetes' own program in a pod")
	callCtx, cancel := context.WithTimeout(ctx, run.Current().Config.Timeouts.Call.D())
	defer cancel()
	log, err := workload.Log(callCtx, pod.Cluster, pod.Namespace, pod.Object.Name, manifests.ContainerName)
	check.Prerequisite(err, "reading what Kubernetes' own program says")
	words := lastWords(string(log))
	if outcome == failed && unanswered.MatchString(words) {
		check.Prerequisite(errors.New(words), "reaching the issuer from a pod")
	}
	check.Observe(check.ObservedOutcome, outcome)
	check.Observe("last words", words)
}

// unanswered is what the program says when it has no answer, or one of a server that
// is out of order, be it in place of the discovery document or of the keys.
var unanswered = regexp.MustCompile(`\bGet "[^"]+": |^(failed to verify signature: )?(fetching keys )?(oidc: get keys failed:? )?5\d\d `)

// outcomeOf is what a pod's end says of the program. One that did not end by itself
// has decided nothing.
func outcomeOf(pod *corev1.Pod) (string, error) {
	if statuses := pod.Status.ContainerStatuses; len(statuses) == 1 && statuses[0].State.Terminated != nil {
		// The program ends with 1 where it is not satisfied.
		switch end := statuses[0].State.Terminated; {
		case end.Signal == 0 && end.ExitCode == 0:
			return succeeded, nil
		case end.Signal == 0 && end.ExitCode == 1:
			return failed, nil
		}
	}
	return "", fmt.Errorf("the program did not come to an end of its own: %s %s", workload.State(pod), pod.Status.Reason)
}

// entry begins an entry of what Go's package log writes.
var entry = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `)

// lastWords is the first line of the last entry of a program's log: claims, or the
// page that a server answers with, come in further lines.
func lastWords(log string) string {
	if at := entry.FindAllStringIndex(log, -1); len(at) > 0 {
		log = log[at[len(at)-1][1]:]
	}
	line, _, _ := strings.Cut(strings.TrimSpace(log), "\n")
	return check.OneLine(line)
}
