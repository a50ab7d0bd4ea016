package tutorial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// podRunning is "Test the integration", steps 2 to 4.
func (w *walk) podRunning(ctx SpecContext) {
	run.KeepPod(w.Target.Namespace, manifests.PodName)
	run.Step("kubectl apply -f pod.yaml")
	check.NoError(w.createPod(ctx), "applying pod.yaml")
	run.Step("kubectl get pod " + manifests.PodName)
	Eventually(ctx, check.Poll(workload.Pod(w.Cluster, w.Target.Namespace, manifests.PodName))).
		WithTimeout(w.Config.Timeouts.PodRunning.D()).WithPolling(podPoll).Should(workload.BeRunning())
}

// podPoll is how often a pod is looked at: it is a cheap call to a cluster that
// serves nobody else.
const podPoll = 250 * time.Millisecond

func (w *walk) createPod(ctx context.Context) error {
	if w.podCreated {
		return nil
	}
	manifest, err := manifests.Fill(manifests.Pod, map[string]string{manifests.IssuerPlaceholder: w.Target.Cluster.Issuer})
	if err != nil {
		return err
	}
	if _, err := workload.CreatePod(ctx, w.Cluster, manifest, w.Target.Namespace); err != nil {
		return err
	}
	w.podCreated = true
	return nil
}

// openShell is step 5. A check that is run without the steps before it makes
// the pod itself; without a pod nothing is known.
func (w *walk) openShell(ctx SpecContext) {
	GinkgoHelper()
	if w.shell != nil {
		return
	}
	check.Prerequisite(w.createPod(ctx), "applying pod.yaml")
	Eventually(ctx, check.Poll(workload.Pod(w.Cluster, w.Target.Namespace, manifests.PodName))).
		WithTimeout(w.Config.Timeouts.PodRunning.D()).WithPolling(podPoll).Should(workload.BeRunning())
	run.Step("kubectl exec " + manifests.PodName + " -it -- bash")
	bounded, cancel := context.WithTimeout(ctx, w.Config.Timeouts.Exec.D())
	defer cancel()
	shell, err := workload.OpenShell(bounded, w.Cluster, w.Target.Namespace, manifests.PodName, manifests.ContainerName)
	check.Prerequisite(err, "opening the tutorial's shell")
	w.shell = shell
}

// typeIn runs a command in the tutorial's shell.
func (w *walk) typeIn(ctx context.Context, command string) (workload.Result, error) {
	bounded, cancel := context.WithTimeout(ctx, w.Config.Timeouts.Exec.D())
	defer cancel()
	return w.shell.Run(bounded, command)
}

// probe asks for nothing but a connection. curl's exit code tells what kept it
// from one: https://curl.se/docs/manpage.html#EXIT
const probe = `curl -sS -o /dev/null --connect-timeout 20 --max-time 30 -w '%{http_code}' `

// Exit codes of a shell that say that curl itself could not be run.
const (
	notExecutable = 126
	notFound      = 127
)

// nodeEgress is "Set up a Managed Service for Kubernetes cluster", step 2: any
// answer shows that the nodes reach the API.
func (w *walk) nodeEgress(ctx SpecContext) {
	w.openShell(ctx)
	for _, address := range []string{tokenURL, payloadURL} {
		run.Step("connecting to " + address)
		result, err := w.typeIn(ctx, probe+address)
		check.NoError(err, "connecting to "+address)
		if result.Status == notFound || result.Status == notExecutable {
			check.Prerequisite(fmt.Errorf("curl cannot be run in the pod: %s", check.OneLine(result.Stderr)), "connecting to "+address)
		}
		Expect(result.Status).To(BeZero(), "no HTTPS connection from the pod to %s: %s", address, check.OneLine(result.Stderr))
	}
}

// URLs of the tutorial's two calls, as its commands have them.
const (
	tokenURL   = "https://auth.yandex.cloud/oauth/token"
	payloadURL = "https://payload.lockbox.api.cloud.yandex.net/"
)

// shapeOf prints what kind of thing the shell's IAMTOKEN is, and never the token.
// The format is that of the IAM documentation, whose lengths may change
// (https://yandex.cloud/en/docs/iam/concepts/authorization/iam-token).
const shapeOf = `case "$IAMTOKEN" in
  "") echo nothing ;;
  null) echo null ;;
  *) if printf '%s\n' "$IAMTOKEN" | grep -Eqx 't1\.[A-Za-z0-9_-]+={0,2}\.[A-Za-z0-9_-]+={0,2}'; then echo iam-token; else echo 'something else'; fi ;;
esac`

const iamToken = "iam-token"

// exchange is "Test the integration", steps 6 to 8.
func (w *walk) exchange(ctx SpecContext) {
	w.openShell(ctx)
	w.prepareShell(ctx)
	run.Step("getting an IAM token, as in get-token.sh")
	shape, tried := "", newTries()
	failure := InterceptGomegaFailure(func() {
		Eventually(ctx, check.Poll(func(ctx context.Context) (string, error) {
			var err error
			tried.count++
			shape, err = w.getToken(ctx)
			return shape, err
		})).WithTimeout(w.Config.Timeouts.Propagation.D()).WithPolling(run.Poll).Should(Equal(iamToken))
	})
	if failure != nil {
		// Why there is no token is asked once, when there will be none.
		w.explainRefusal(ctx, shape)
	}
	tried.tell("get-token.sh got an IAM token")
	w.signedIn = true
}

// tries count how often a command of the tutorial was typed. Its reader, too,
// types it again when rights or a link that were made a moment ago are not in
// force yet; how long that took belongs to what was observed.
type tries struct {
	count int
	began time.Time
}

func newTries() *tries { return &tries{began: time.Now()} }

// tell says how often and for how long, unless once was enough.
func (t *tries) tell(what string) {
	if t.count > 1 {
		run.Step(fmt.Sprintf("%s at attempt %d, after %s", what, t.count, time.Since(t.began).Round(time.Millisecond)))
	}
}

// prepareShell types set-variables.sh and install-jq.sh.
func (w *walk) prepareShell(ctx SpecContext) {
	GinkgoHelper()
	run.Step("setting the variables, as in set-variables.sh")
	variables, err := manifests.Fill(manifests.SetVariables, map[string]string{
		manifests.ServiceAccountPlaceholder: w.Target.ServiceAccountID, manifests.SecretPlaceholder: w.Target.SecretID,
	})
	check.Prerequisite(err, "filling set-variables.sh")
	result, err := w.typeIn(ctx, variables)
	check.NoError(err, "setting the variables")
	Expect(result.Status).To(BeZero(), "the projected token cannot be read: %s", check.OneLine(result.Stderr))

	run.Step("installing jq, as in install-jq.sh")
	install, err := manifests.Fill(manifests.InstallJQ, nil)
	check.Prerequisite(err, "reading install-jq.sh")
	result, err = w.typeIn(ctx, install)
	check.Prerequisite(err, "installing jq")
	if result.Status != 0 {
		// The command is silent by its own redirections. jq may be there all the same.
		there, err := w.typeIn(ctx, "command -v jq")
		check.Prerequisite(err, "looking for jq")
		if there.Status != 0 {
			check.Prerequisite(fmt.Errorf("install-jq.sh ended with code %d and there is no jq", result.Status), "installing jq")
		}
	}
}

// getToken types get-token.sh and tells what came of it.
func (w *walk) getToken(ctx context.Context) (shape string, err error) {
	command, err := manifests.Fill(manifests.GetToken, nil)
	if err != nil {
		return "", err
	}
	if _, err := w.typeIn(ctx, command); err != nil {
		return "", err
	}
	result, err := w.typeIn(ctx, shapeOf)
	if err != nil {
		return "", err
	}
	if result.Status != 0 {
		return "", errors.New("looking at the shell's IAMTOKEN: " + check.OneLine(result.Stderr))
	}
	return strings.TrimSpace(result.Stdout), nil
}
