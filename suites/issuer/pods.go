package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/exchanging"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
	"github.com/wlif-conformance/wlif-conformance/suites/signing"
)

// What a token review says, in words.
const (
	accepted = "accepted"
	refused  = "refused"
)

// remembered is for how long an API server takes a token that it accepted without looking
// again (kube-apiserver's TokenSuccessCacheTTL, which no flag changes).
const remembered = 10 * time.Second

// review is a getter of what the API server says of a token.
func review(a *signing.Account, token exchange.Token) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		status, err := a.Cluster.ReviewToken(ctx, token, a.Of.Issuer)
		switch {
		case err != nil:
			return "", err
		case status.Authenticated:
			return accepted, nil
		}
		return refused, nil
	}
}

func boundToPod(ctx SpecContext) {
	account := signing.World(ctx)
	pod := account.Run(ctx, nil)
	Expect(read(pod.Projected(ctx)).differences(expected{subject: account.Subject(), bound: bound{
		Namespace: account.Namespace, Pod: object{pod.Object.Name, string(pod.Object.UID)}, ServiceAccount: object{Name: account.Name},
	}})).To(BeEmpty(), "the pod's token is not bound to it")

	// The API server remembers what it accepted, so the twin has a token of its own.
	spec := cluster.TokenSpec{Audiences: []string{account.Of.Issuer}, Pod: pod.Object}
	before, err := account.Request(ctx, spec)
	check.Prerequisite(err, "asking for a token that is bound to the pod")
	after, err := account.Request(ctx, spec)
	check.Prerequisite(err, "asking for a token that is bound to the pod")
	run.Step("the twin: the API server accepts the token of a pod that is there")
	said, err := review(account, before.Token)(ctx)
	check.Prerequisite(err, "asking the API server about the token")
	if said != accepted {
		check.Prerequisite(errors.New("the API server refuses it"), "the twin, a token of a pod that is there")
	}
	pod.Uproot(ctx)
	run.Step("refused: the token of a pod that is gone")
	// The first review may come before the API server has seen the deletion.
	Eventually(ctx, check.Poll(review(account, after.Token))).WithTimeout(run.Current().Config.Timeouts.Propagation.D()+remembered).WithPolling(run.Poll).
		Should(Equal(refused), "the API server still accepts the token of a pod that is gone")
}

// nowhere keeps a pod from running: a token can be bound to it all the same.
func nowhere(pod *corev1.Pod) {
	pod.Spec.NodeSelector = map[string]string{"wlif-conformance/no-node": "has-this"}
}

func deletedPod(ctx SpecContext) {
	link := signing.Linked(ctx)
	pod := link.Plant(ctx, nowhere)
	granted, err := link.Request(ctx, cluster.TokenSpec{Audiences: []string{link.Of.Issuer}, Pod: pod.Object})
	check.Prerequisite(err, "asking for a token that is bound to a pod")
	exchanging.Twin(ctx, link.Form(granted.Token))
	pod.Uproot(ctx)
	run.Step("exchanging the token of a pod that is gone")
	_, err = exchanging.Do(ctx, link.Form(granted.Token))
	check.ObserveAnswer(err, "exchanging the token of a pod that is gone")
}

// endable is a container that ends when its sleep is ended.
func endable(pod *corev1.Pod) {
	pod.Spec.Containers[0].Command = []string{"bash", "-c", `sleep infinity & echo "$!" >/tmp/sleep; wait`}
}

func containerRestart(ctx SpecContext) {
	keepsIdentity(ctx, endable, func(pod *signing.Pod) {
		run.Step("ending the container")
		// The shell goes with its container, so that no answer is expected. The container may
		// not have begun its sleep yet.
		_, _ = pod.Type(ctx, `until kill "$(cat /tmp/sleep)" 2>/dev/null; do sleep 0.1; done; sleep infinity`)
	})
}

func nodeReboot(ctx SpecContext) {
	keepsIdentity(ctx, nil, func(pod *signing.Pod) {
		instance := instanceUnder(ctx, pod)
		doing := "restarting the instance " + instance
		run.Step(doing)
		op, err := run.Current().Cloud.Instances().Restart(ctx, &compute.RestartInstanceRequest{InstanceId: instance})
		if err == nil {
			err = run.Current().Cloud.Wait(ctx, compute.InstanceService_Restart_FullMethodName[1:], op, nil, nil)
		}
		check.Prerequisite(err, doing)
	})
}

// instanceUnder is the instance that is the node of a pod.
func instanceUnder(ctx context.Context, pod *signing.Pod) string {
	GinkgoHelper()
	group := run.Current().Target.Cluster.NodeGroupID
	listed, err := run.Current().Cloud.NodeGroups().ListNodes(ctx, &k8s.ListNodeGroupNodesRequest{NodeGroupId: group})
	check.Prerequisite(err, "listing the nodes of the node group "+group)
	on := pod.Now(ctx).Spec.NodeName
	for _, n := range listed.GetNodes() {
		if n.GetKubernetesStatus().GetId() == on {
			return n.GetCloudStatus().GetId()
		}
	}
	check.Prerequisite(fmt.Errorf("the node group %s does not list it", group), "looking for the instance of the node "+on)
	return ""
}

// keepsIdentity demands that a pod whose container is ended by end finds a token for
// the same identity when it runs again.
func keepsIdentity(ctx context.Context, change func(*corev1.Pod), end func(*signing.Pod)) {
	GinkgoHelper()
	link := signing.Linked(ctx)
	pod := link.Run(ctx, change)
	former := read(pod.Projected(ctx))
	end(pod)
	pod.AwaitRestart(ctx)
	token := pod.Projected(ctx)
	Expect(read(token).differences(expected{subject: former.Subject, bound: bound{Pod: former.Bound.Pod}})).To(BeEmpty(), "the restarted container has another identity")
	exchanging.Accepted(ctx, link.Form(token))
}

// imageIsRun: the manifest names no command, so the program is the image's.
func imageIsRun(ctx SpecContext) {
	pod := signing.World(ctx).Run(ctx, nil)
	program := pod.Read(ctx, "cat /proc/1/comm")
	Expect(notRun(program, pod.Status(ctx))).To(BeEmpty(), "the image %s", pod.Object.Spec.Containers[0].Image)
}

// notRun says why a container cannot run the tutorial's image: by the name of its
// first process and by its status.
func notRun(program string, status corev1.ContainerStatus) []string {
	var found []string
	if program = strings.TrimSpace(program); program != manifests.ContainerName {
		found = append(found, fmt.Sprintf("process 1 of the pod is %q, not the image's %s", program, manifests.ContainerName))
	}
	if status.ImageID == "" {
		found = append(found, "the pod's status names no image that was run")
	}
	return found
}

// fileCase is who a pod runs as, and whose its token's file must then be.
type fileCase struct {
	as          string
	user, group *int64
	want        fileState
}

// fileState is what stat tells of a file; an owner of -1 is not looked at.
type fileState struct {
	Mode        string
	User, Group int64
}

const (
	anyone    = int64(-1)
	someUser  = int64(1000)
	someGroup = int64(10000)
)

func fileCases() []fileCase {
	user, group := someUser, someGroup
	return []fileCase{
		{"as the image has it", nil, nil, fileState{"644", anyone, anyone}},
		{"as a user", &user, nil, fileState{"600", someUser, anyone}},
		{"with a group", nil, &group, fileState{"640", anyone, someGroup}},
		{"as a user with a group", &user, &group, fileState{"640", anyone, someGroup}},
	}
}

func filePermissions(ctx SpecContext) {
	for _, c := range fileCases() {
		run.Step("running a pod " + c.as)
		pod := signing.World(ctx).Run(ctx, func(pod *corev1.Pod) {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: c.user, FSGroup: c.group}
			pod.Spec.Containers[0].Command = []string{"sleep", "infinity"}
		})
		found, err := readState(pod.Read(ctx, "stat -L -c '%a %u %g' "+manifests.TokenPath))
		check.Prerequisite(err, "looking at the token's file")
		Expect(found.differences(c.want)).To(BeEmpty(), "the token's file in a pod %s", c.as)
		pod.Uproot(ctx)
	}
}

func readState(text string) (fileState, error) {
	var s fileState
	if _, err := fmt.Sscan(text, &s.Mode, &s.User, &s.Group); err != nil {
		return s, fmt.Errorf("stat printed %q", strings.TrimSpace(text))
	}
	return s, nil
}

func (s fileState) differences(want fileState) []string {
	var found []string
	if s.Mode != want.Mode {
		found = append(found, fmt.Sprintf("its mode is 0%s, not 0%s", s.Mode, want.Mode))
	}
	if want.User != anyone && s.User != want.User {
		found = append(found, fmt.Sprintf("it is user %d's, not %d's", s.User, want.User))
	}
	if want.Group != anyone && s.Group != want.Group {
		found = append(found, fmt.Sprintf("it is group %d's, not %d's", s.Group, want.Group))
	}
	return found
}

// rotationPoll is how often the file is looked at while its token is awaited.
const rotationPoll = 5 * time.Second

func rotates(ctx SpecContext) {
	link := signing.Linked(ctx)
	pod := link.Run(ctx, func(pod *corev1.Pod) {
		seconds := int64(shortest.Seconds())
		pod.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.ExpirationSeconds = &seconds
	})
	end := read(pod.Projected(ctx)).Expires
	run.Step("waiting until the file has another token, at the latest at " + end.UTC().Format(time.RFC3339))
	fresh := renewed(ctx, NewGomega(Fail), end, func(ctx context.Context) (exchange.Token, error) {
		result, err := pod.Type(ctx, "cat "+manifests.TokenPath)
		return exchange.Token(strings.TrimSpace(result.Stdout)), err
	})
	exchanging.Accepted(ctx, link.Form(fresh))
}

// renewed waits, until the token that ends then is of no use any more, for one that
// ends later.
func renewed(ctx context.Context, g Gomega, end time.Time, read func(context.Context) (exchange.Token, error)) exchange.Token {
	GinkgoHelper()
	var fresh exchange.Token
	g.Eventually(ctx, check.Poll(func(ctx context.Context) (time.Time, error) {
		var err error
		if fresh, err = read(ctx); err != nil {
			return time.Time{}, err
		}
		d, err := decode(fresh)
		return d.Expires, err
	})).WithTimeout(time.Until(end)).WithPolling(rotationPoll).Should(BeTemporally(">", end), "the file still has the token that expires at %s", end.UTC())
	return fresh
}
