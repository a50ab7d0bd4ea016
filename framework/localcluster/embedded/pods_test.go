package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/remotecommand"
	watchtools "k8s.io/client-go/tools/watch"
	utilexec "k8s.io/client-go/util/exec"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

func needNode(t *testing.T) {
	t.Helper()
	if nodesPossible != nil {
		t.Skip(nodesPossible)
	}
}

// podOn is a pod of one container that waits, on a node of shared.
func podOn(node, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: corev1.PodSpec{
			NodeSelector: map[string]string{corev1.LabelHostname: node},
			Containers:   []corev1.Container{{Name: "main", Image: "debian:12"}},
		},
	}
}

// createPod makes a pod and deletes it at the end of the test.
func createPod(t *testing.T, cluster localcluster.Cluster, pod *corev1.Pod) *kubernetes.Clientset {
	t.Helper()
	client := clientFor(t, cluster.Admin())
	if _, err := client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		now := int64(0)
		err := client.CoreV1().Pods(pod.Namespace).Delete(context.WithoutCancel(t.Context()), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	return client
}

// awaitPod watches a pod until is says yes; a pod that is gone is nil.
func awaitPod(t *testing.T, client *kubernetes.Clientset, name string, is func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	lw := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "pods", "default", fields.OneTermEqualSelector("metadata.name", name))
	var last *corev1.Pod
	_, err := watchtools.UntilWithSync(t.Context(), lw, &corev1.Pod{},
		func(store cache.Store) (bool, error) { return len(store.List()) == 0 && is(nil), nil },
		func(e watch.Event) (bool, error) {
			last, _ = e.Object.(*corev1.Pod)
			if e.Type == watch.Deleted {
				last = nil
			}
			return is(last), nil
		})
	if err != nil {
		t.Fatalf("waiting for the pod %s: %v\n%+v", name, err, last)
	}
	return last
}

func isReady(pod *corev1.Pod) bool {
	if pod == nil {
		return false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// runPod makes a pod and waits until it is Ready.
func runPod(t *testing.T, cluster localcluster.Cluster, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	needNode(t)
	return awaitPod(t, createPod(t, cluster, pod), pod.Name, isReady)
}

type execOptions struct {
	stdin io.Reader
	tty   bool
	size  remotecommand.TerminalSizeQueue
}

// execIn runs a command as kubectl exec does.
func execIn(ctx context.Context, cluster localcluster.Cluster, pod string, o execOptions, command ...string) (stdout, stderr string, code int, err error) {
	config := cluster.Admin()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", "", 0, err
	}
	request := client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: command, Stdin: o.stdin != nil, Stdout: true, Stderr: !o.tty, TTY: o.tty}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(config, "GET", request.URL().String())
	if err != nil {
		return "", "", 0, err
	}
	var out, errs bytes.Buffer
	streams := remotecommand.StreamOptions{Stdin: o.stdin, Stdout: &out, Stderr: &errs, Tty: o.tty, TerminalSizeQueue: o.size}
	if o.tty {
		streams.Stderr = nil
	}
	err = executor.StreamWithContext(ctx, streams)
	var exit utilexec.CodeExitError
	if errors.As(err, &exit) {
		code, err = exit.Code, nil
	}
	return out.String(), errs.String(), code, err
}

// sh runs a script in a pod; it must succeed.
func sh(t *testing.T, cluster localcluster.Cluster, pod, script string) string {
	t.Helper()
	out, errs, code, err := execIn(t.Context(), cluster, pod, execOptions{}, "sh", "-c", script)
	if err != nil || code != 0 {
		t.Fatalf("%s: exit %d, %v\n%s%s", script, code, err, out, errs)
	}
	return strings.TrimSpace(out)
}

type oneSize struct{ given bool }

func (s *oneSize) Next() *remotecommand.TerminalSize {
	if s.given {
		return nil
	}
	s.given = true
	return &remotecommand.TerminalSize{Width: 91, Height: 17}
}

func TestExec(t *testing.T) {
	runPod(t, shared, podOn("plain", "exec"))
	t.Run("streams and exit code", func(t *testing.T) {
		out, errs, code, err := execIn(t.Context(), shared, "exec", execOptions{stdin: strings.NewReader("from stdin")},
			"sh", "-c", "cat; echo to stderr >&2; exit 42")
		if out != "from stdin" || errs != "to stderr\n" || code != 42 || err != nil {
			t.Errorf("stdout %q, stderr %q, code %d, %v", out, errs, code, err)
		}
	})
	t.Run("terminal", func(t *testing.T) {
		out, _, code, err := execIn(t.Context(), shared, "exec", execOptions{stdin: strings.NewReader("x\n"), tty: true, size: &oneSize{}},
			"sh", "-c", "tty; read _; stty size; exit 3")
		if !strings.Contains(out, "/dev/pts/0") || !strings.Contains(out, "17 91") || code != 3 || err != nil {
			t.Errorf("output %q, code %d, %v", out, code, err)
		}
	})
	t.Run("large output", func(t *testing.T) {
		out, _, _, err := execIn(t.Context(), shared, "exec", execOptions{}, "sh", "-c", "head -c 3000000 /dev/zero")
		if len(out) != 3000000 || err != nil {
			t.Errorf("%d bytes, %v", len(out), err)
		}
	})
	t.Run("a command that is not there", func(t *testing.T) {
		_, _, code, err := execIn(t.Context(), shared, "exec", execOptions{}, "no-such-command")
		if code != 127 || err != nil {
			t.Errorf("code %d, %v, want 127", code, err)
		}
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv("CANARY", "of the host")
		env := sh(t, shared, "exec", "env | cut -d= -f1 | sort | tr '\\n' ' '")
		want := "HOME HOSTNAME KUBERNETES_PORT KUBERNETES_PORT_443_TCP KUBERNETES_PORT_443_TCP_ADDR KUBERNETES_PORT_443_TCP_PORT KUBERNETES_PORT_443_TCP_PROTO KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_SERVICE_PORT_HTTPS PATH PWD"
		if env != want {
			t.Errorf("the environment has %s, want %s", env, want)
		}
	})
}

// A pod's own token opens its API server at the service's address, as in any cluster.
func TestTheAPIServerFromInside(t *testing.T) {
	runPod(t, shared, podOn("plain", "in-cluster"))
	got := sh(t, shared, "in-cluster", `D=/var/run/secrets/kubernetes.io/serviceaccount
		curl -sS --cacert $D/ca.crt -H "Authorization: Bearer $(cat $D/token)" -H 'Content-Type: application/json' \
		-d '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}' \
		https://kubernetes.default.svc/apis/authentication.k8s.io/v1/selfsubjectreviews; cat $D/namespace`)
	for _, want := range []string{serviceAccountUser, `"in-cluster"`, "authentication.kubernetes.io/pod-uid"} {
		if !strings.Contains(got, want) {
			t.Errorf("the answer lacks %s:\n%s", want, got)
		}
	}
	if !strings.HasSuffix(got, "default") {
		t.Errorf("the namespace file: %s", got)
	}
}

func TestLogs(t *testing.T) {
	needNode(t)
	pod := podOn("plain", "logs")
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.Containers[0].Command = []string{"sh", "-c", "echo one; echo two >&2; sleep 0.3; printf three"}
	client := createPod(t, shared, pod)
	awaitPod(t, client, "logs", func(p *corev1.Pod) bool { return p != nil && p.Status.Phase != corev1.PodPending })
	read := func(o *corev1.PodLogOptions) string {
		t.Helper()
		raw, err := client.CoreV1().Pods("default").GetLogs("logs", o).DoRaw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	// The order of lines of different streams is not kept, as in any runtime.
	followed := strings.Fields(read(&corev1.PodLogOptions{Follow: true}))
	if slices.Sort(followed); !slices.Equal(followed, []string{"one", "three", "two"}) {
		t.Errorf("followed: %q", followed)
	}
	done := awaitPod(t, client, "logs", func(p *corev1.Pod) bool { return p != nil && p.Status.Phase == corev1.PodSucceeded })
	if s := done.Status.ContainerStatuses[0]; s.State.Terminated == nil || s.State.Terminated.Reason != "Completed" || s.RestartCount != 0 {
		t.Errorf("its status is %+v", s)
	}
	one := int64(1)
	if got := read(&corev1.PodLogOptions{TailLines: &one}); got != "three\n" {
		t.Errorf("the tail: %q", got)
	}
	if got := read(&corev1.PodLogOptions{TailLines: &one, Timestamps: true}); !strings.HasPrefix(got, "20") || !strings.HasSuffix(got, "Z three\n") {
		t.Errorf("with timestamps: %q", got)
	}
}

func TestRestarts(t *testing.T) {
	needNode(t)
	pod := podOn("plain", "restarts")
	pod.Spec.Containers[0].Command = []string{"sh", "-c", "echo start; exit 9"}
	client := createPod(t, shared, pod)
	got := awaitPod(t, client, "restarts", func(p *corev1.Pod) bool {
		return p != nil && len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].State.Waiting != nil &&
			p.Status.ContainerStatuses[0].State.Waiting.Reason == "CrashLoopBackOff"
	})
	s := got.Status.ContainerStatuses[0]
	if s.RestartCount != 1 || s.LastTerminationState.Terminated == nil || s.LastTerminationState.Terminated.ExitCode != 9 || got.Status.Phase != corev1.PodRunning {
		t.Errorf("phase %s, %+v", got.Status.Phase, s)
	}
	raw, err := client.CoreV1().Pods("default").GetLogs("restarts", &corev1.PodLogOptions{Previous: true}).DoRaw(t.Context())
	if err != nil || string(raw) != "start\n" {
		t.Errorf("the former start's log is %q (%v)", raw, err)
	}
}

func TestDeletionIsGraceful(t *testing.T) {
	needNode(t)
	pod := podOn("plain", "graceful")
	pod.Spec.Containers[0].Command = []string{"bash", "-c", "trap 'echo ending; exit 0' TERM; echo ready; while :; do read -t 0.05 < <(:) || sleep 0.05; done"}
	client := createPod(t, shared, pod)
	awaitPod(t, client, "graceful", isReady)
	stream, err := client.CoreV1().Pods("default").GetLogs("graceful", &corev1.PodLogOptions{Follow: true}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	if _, err := io.ReadFull(stream, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if err := client.CoreV1().Pods("default").Delete(t.Context(), "graceful", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(stream)
	if string(rest) != "ending\n" {
		t.Errorf("after SIGTERM it printed %q (%v)", rest, err)
	}
	awaitPod(t, client, "graceful", func(p *corev1.Pod) bool { return p == nil })
}

func TestUnsupportedPodsFailVisibly(t *testing.T) {
	needNode(t)
	pod := podOn("plain", "unsupported")
	pod.Spec.HostNetwork = true
	pod.Spec.Volumes = []corev1.Volume{{Name: "h", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/etc"}}}}
	got := awaitPod(t, createPod(t, shared, pod), "unsupported", func(p *corev1.Pod) bool { return p != nil && p.Status.Phase == corev1.PodFailed })
	for _, want := range []string{"spec.hostNetwork", "spec.volumes[h]"} {
		if !strings.Contains(got.Status.Message, want) {
			t.Errorf("the message %q lacks %s", got.Status.Message, want)
		}
	}
}

func TestVolumesAndEnvironment(t *testing.T) {
	needNode(t)
	client := clientFor(t, shared.Admin())
	for _, create := range []func() error{
		func() error {
			_, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"colour": "green", "size": "9"}}, metav1.CreateOptions{})
			return err
		},
		func() error {
			_, err := client.CoreV1().Secrets("default").Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "keys"}, StringData: map[string]string{"k": "v"}}, metav1.CreateOptions{})
			return err
		},
	} {
		if err := create(); err != nil {
			t.Fatal(err)
		}
	}
	seconds, mode := int64(7200), int32(0o400)
	pod := podOn("plain", "volumes")
	pod.Labels = map[string]string{"app": "x"}
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "sa-token", ExpirationSeconds: &seconds, Audience: "https://audience.example"}},
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "plain-token", ExpirationSeconds: &seconds}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}}}}}}}}},
		{Name: "settings", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}},
		{Name: "keys", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "keys", DefaultMode: &mode}}},
		{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	c := &pod.Spec.Containers[0]
	c.VolumeMounts = []corev1.VolumeMount{{Name: "token", MountPath: "/var/run/secrets/tokens"}, {Name: "settings", MountPath: "/settings"},
		{Name: "keys", MountPath: "/keys"}, {Name: "scratch", MountPath: "/scratch"}}
	c.Env = []corev1.EnvVar{
		{Name: "POD", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
		{Name: "K", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "keys"}, Key: "k"}}},
		{Name: "BOTH", Value: "$(POD)-$(K)-$(UNKNOWN)"}}
	c.EnvFrom = []corev1.EnvFromSource{{Prefix: "S_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
	got := runPod(t, shared, pod)

	for _, tc := range []struct{ script, want string }{
		{"echo $BOTH $S_colour", "volumes-v-$(UNKNOWN) green"},
		{"cat /settings/colour /settings/size", "green9"},
		{"cat /keys/k; stat -L -c ' %a' /keys/k", "v 400"},
		{"stat -L -c %a /var/run/secrets/tokens/sa-token", "644"},
		{"cat /var/run/secrets/tokens/labels", `app="x"`},
		{"touch /settings/x 2>/dev/null || echo read-only", "read-only"},
		{"echo y > /scratch/f && cat /scratch/f", "y"},
		{"readlink /var/run/secrets/tokens/sa-token", "..data/sa-token"},
	} {
		if out := sh(t, shared, "volumes", tc.script); out != tc.want {
			t.Errorf("%s: %q, want %q", tc.script, out, tc.want)
		}
	}
	token := claimsOf(t, sh(t, shared, "volumes", "cat /var/run/secrets/tokens/sa-token"))
	if fmt.Sprint(token.Audience) != "[https://audience.example]" || token.Expiry-token.IssuedAt != seconds {
		t.Errorf("the token's claims are %+v", token)
	}
	bare := claimsOf(t, sh(t, shared, "volumes", "cat /var/run/secrets/tokens/plain-token"))
	if fmt.Sprint(bare.Audience) != "["+bare.Issuer+"]" {
		t.Errorf("without an audience the claims are %+v, want the issuer as audience", bare)
	}
	if got.Status.PodIP == "" || got.Spec.NodeName != "plain" {
		t.Errorf("the pod has the address %q on %q", got.Status.PodIP, got.Spec.NodeName)
	}
}
