package kind_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kind"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeimage"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/pki"
)

// dockerVariable asks for the tests that need Docker: `make test-kind` sets it.
const dockerVariable = "WLIF_KIND"

func needDocker(t *testing.T) {
	t.Helper()
	if os.Getenv(dockerVariable) == "" {
		t.Skip("it starts containers: `make test-kind` runs it")
	}
}

const (
	cloudName = "auth.cloud.example"
	former    = "https://former.example"
	latter    = "https://latter.example"
	prefix    = "wlif-enginetest"
)

// cloud is a server on this machine, with a certificate for cloudName and one for
// the address that it is dialled at. It reviews the token "reviewed".
func cloud(t *testing.T) (server *httptest.Server, ca []byte) {
	t.Helper()
	authority, err := pki.LoadAuthority(t.TempDir(), "cloud")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := authority.Issue(cloudName, nil, []string{cloudName, "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(leaf.Cert, leaf.Key)
	if err != nil {
		t.Fatal(err)
	}
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/review" {
			_, _ = fmt.Fprintf(w, "%s %s\n", r.Host, r.URL.Path)
			return
		}
		var review authenticationv1.TokenReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		review.Status = authenticationv1.TokenReviewStatus{}
		if review.Spec.Token == "reviewed" {
			review.Status.Authenticated, review.Status.User.Username = true, "of the webhook"
		}
		_ = json.NewEncoder(w).Encode(review)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, authority.PEM
}

// inDocker runs a command of Docker's that lists.
func inDocker(t *testing.T, args ...string) []string {
	t.Helper()
	raw, err := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", args...).Output()
	if err != nil {
		t.Fatalf("docker %v: %v", args, err)
	}
	return strings.Fields(string(raw))
}

// remaining lists what Docker has of a prefix, and which of some volumes.
func remaining(t *testing.T, prefix string, volumes []string) []string {
	t.Helper()
	found := inDocker(t, "ps", "--all", "--filter", "name=^"+prefix+"-", "--format", "{{.Names}}")
	found = append(found, inDocker(t, "network", "ls", "--filter", "name=^"+prefix+"$", "--format", "network:{{.Name}}")...)
	for _, volume := range inDocker(t, "volume", "ls", "--quiet") {
		if slices.Contains(volumes, volume) {
			found = append(found, "volume:"+volume)
		}
	}
	return found
}

// volumesOf lists the volumes of a prefix's containers.
func volumesOf(t *testing.T, prefix string) []string {
	t.Helper()
	containers := inDocker(t, "ps", "--all", "--filter", "name=^"+prefix+"-", "--format", "{{.Names}}")
	if len(containers) == 0 {
		return nil
	}
	return inDocker(t, append([]string{"inspect", "--format", "{{range .Mounts}}{{.Name}} {{end}}"}, containers...)...)
}

func start(t *testing.T, spec localcluster.Spec) localcluster.Cluster {
	t.Helper()
	needDocker(t)
	spec.Dir, spec.Log = t.TempDir(), t.Output()
	if spec.Version == "" {
		spec.Version = "1.36"
	}
	engine := kind.Engine{Prefix: prefix}
	if err := engine.Prepare(t.Context(), spec.Version, func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	c, err := engine.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		volumes := volumesOf(t, prefix)
		if len(volumes) == 0 {
			t.Error("its containers have no volumes to look for afterwards")
		}
		for range 2 {
			if err := c.Delete(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		}
		if left := remaining(t, prefix, volumes); len(left) > 0 {
			t.Errorf("left in Docker: %q", left)
		}
	})
	return c
}

func client(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func token(t *testing.T, c localcluster.Cluster) string {
	t.Helper()
	got, err := client(t, c.Admin()).CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Status.Token
}

func issuerOf(t *testing.T, token string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Iss string }
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Iss
}

// whoami is whom the API server takes a bearer token for.
func whoami(t *testing.T, c localcluster.Cluster, token string) (string, error) {
	t.Helper()
	config := rest.AnonymousClientConfig(c.Admin())
	config.BearerToken = token
	review, err := client(t, config).AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return review.Status.UserInfo.Username, nil
}

// says runs a script in a pod of the tutorial's image and returns what it printed.
func says(t *testing.T, c localcluster.Cluster, name, script string) string {
	t.Helper()
	pods := client(t, c.Admin()).CoreV1().Pods("default")
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Containers:    []corev1.Container{{Name: "c", Image: "nginx", Command: []string{"sh", "-c", script}}},
	}}
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	watch, err := pods.Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		now, ok := event.Object.(*corev1.Pod)
		if !ok || now.Status.Phase != corev1.PodSucceeded && now.Status.Phase != corev1.PodFailed {
			continue
		}
		out, err := pods.GetLogs(name, &corev1.PodLogOptions{}).DoRaw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	t.Fatal("the pod did not end")
	return ""
}

func TestClusterOfContainers(t *testing.T) {
	needDocker(t)
	server, ca := cloud(t)
	home := filepath.Join(t.TempDir(), "kubeconfig")
	t.Setenv("KUBECONFIG", home)
	c := start(t, localcluster.Spec{Name: "whole", Issuers: []string{former}, Authenticator: &localcluster.Authenticator{URL: server.URL + "/review", CA: ca}})
	if _, err := os.Stat(home); err == nil {
		t.Error("the user's kubeconfig was written")
	}

	old := token(t, c)
	if got := issuerOf(t, old); got != former {
		t.Errorf("it signs as %s", got)
	}
	if user, err := whoami(t, c, "reviewed"); user != "of the webhook" {
		t.Errorf("the webhook's user is %q (%v)", user, err)
	}
	if user, err := whoami(t, c, "other"); !apierrors.IsUnauthorized(err) {
		t.Errorf("a token that the webhook refuses is of %q (%v)", user, err)
	}

	name, err := c.AddNode(t.Context(), localcluster.NodeSpec{Name: "asked", Labels: map[string]string{"pool": "p"},
		Egress: &localcluster.Egress{Hosts: map[string]string{cloudName: server.Listener.Addr().String()}, CABundle: ca}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddNode(t.Context(), localcluster.NodeSpec{Name: "second"}); err == nil {
		t.Error("a second node was added to a cluster with one worker")
	}
	nodes := client(t, c.Admin()).CoreV1().Nodes()
	if n, err := nodes.Get(t.Context(), name, metav1.GetOptions{}); err != nil || n.Labels["pool"] != "p" || n.Spec.Unschedulable {
		t.Errorf("the node %s: %v, labels %v", name, err, n.Labels)
	}
	if got, want := says(t, c, "out", "curl -sS https://"+cloudName+"/oauth/token"), cloudName+" /oauth/token"; got != want {
		t.Errorf("a pod on it got %q, want %q", got, want)
	}
	if got := says(t, c, "metadata", "curl -sS -m 5 http://169.254.169.254/ 2>/dev/null; echo $?"); got != "7" {
		t.Errorf("curl of this machine's metadata service ended with %s", got)
	}

	keys, err := c.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetIssuers(t.Context(), []string{latter, former}); err != nil {
		t.Fatal(err)
	}
	fresh := token(t, c)
	if got := issuerOf(t, fresh); got != latter {
		t.Errorf("after the change it signs as %s", got)
	}
	for what, token := range map[string]string{"old": old, "new": fresh} {
		if user, err := whoami(t, c, token); user != "system:serviceaccount:default:default" {
			t.Errorf("the %s token is of %q (%v)", what, user, err)
		}
	}
	if again, err := c.JWKS(t.Context()); err != nil || string(again) != string(keys) {
		t.Errorf("the key set changed from %s to %s (%v)", keys, again, err)
	}

	for range 2 {
		if err := c.RemoveNode(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := nodes.Get(t.Context(), name, metav1.GetOptions{}); err != nil || n.Labels["pool"] != "" || !n.Spec.Unschedulable {
		t.Errorf("the node that was removed: %v, labels %v", err, n.Labels)
	}
	if _, err := c.AddNode(t.Context(), localcluster.NodeSpec{Name: "again"}); err != nil {
		t.Fatal(err)
	}
	script := "for to in https://" + cloudName + "/ http://192.0.2.1/ http://169.254.169.254/; do curl -sS -m 5 $to 2>/dev/null; echo $?; done"
	if got := strings.Fields(says(t, c, "closed", script)); !slices.Equal(got, []string{"7", "7", "7"}) {
		t.Errorf("on a node without egress curl ended with %q", got)
	}

	if err := c.RemoveNode(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	reboots(t, c, localcluster.NodeSpec{Name: "rebooted",
		Egress:   &localcluster.Egress{Hosts: map[string]string{cloudName: server.Listener.Addr().String()}, CABundle: ca},
		Metadata: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "metadata") }),
	})

	logs := t.TempDir()
	if err := c.CollectLogs(t.Context(), logs); err != nil {
		t.Fatal(err)
	}
	if found, err := filepath.Glob(filepath.Join(logs, "*", "kubelet.log")); err != nil || len(found) != 2 {
		t.Errorf("logs of kubelets: %v (%v)", found, err)
	}
}

// reboots adds a node and reboots it: it still gives its pods what it gave them, and
// those that it had run again.
func reboots(t *testing.T, c localcluster.Cluster, spec localcluster.NodeSpec) {
	t.Helper()
	if err := c.RestartNode(t.Context(), "no-such-node"); err == nil {
		t.Error("a node that is not there was rebooted")
	}
	name, err := c.AddNode(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	pods := client(t, c.Admin()).CoreV1().Pods("default")
	stays, err := pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "stays"}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "c", Image: "nginx", Command: []string{"sleep", "infinity"}}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	awaitRuns(t, c, stays, 0)
	const script = "curl -sS https://" + cloudName + "/oauth/token; curl -sS -m 5 http://169.254.169.254/"
	want := cloudName + " /oauth/token\nmetadata"
	if got := says(t, c, "before-reboot", script); got != want {
		t.Errorf("before the reboot a pod got %q, want %q", got, want)
	}
	if err := c.RestartNode(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if got := says(t, c, "after-reboot", script); got != want {
		t.Errorf("after the reboot a pod got %q, want %q", got, want)
	}
	awaitRuns(t, c, stays, 1)
}

// awaitRuns waits until a pod runs for which the kubelet counts that many restarts.
func awaitRuns(t *testing.T, c localcluster.Cluster, pod *corev1.Pod, restarts int32) {
	t.Helper()
	watch, err := client(t, c.Admin()).CoreV1().Pods(pod.Namespace).Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + pod.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		now, ok := event.Object.(*corev1.Pod)
		if !ok || now.UID != pod.UID {
			t.Fatalf("the pod %s is %s, and another one is there", pod.Name, event.Type)
		}
		if s := now.Status.ContainerStatuses; len(s) == 1 && s[0].State.Running != nil && s[0].RestartCount == restarts {
			return
		}
	}
	t.Fatalf("the pod %s does not run", pod.Name)
}

// A client of Docker's that is killed leaves the daemon making a container, which
// the daemon lists and will not remove until it is made.
func TestRemoveWhatIsBeingMade(t *testing.T) {
	needDocker(t)
	const killed = "wlif-enginekilled"
	if err := (kind.Engine{}).Prepare(t.Context(), "1.36", func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	inDocker(t, "network", "create", "--label", "wlif.network", killed)
	run := exec.CommandContext(t.Context(), "docker", "run", "--detach", "--network", killed, "--name", killed+"-cat1-worker", "--volume", "/var",
		"--label", "io.x-k8s.kind.cluster="+killed+"-cat1", nodeimage.Reference("1.36.3"))
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	for len(inDocker(t, "ps", "--all", "--quiet", "--filter", "name=^"+killed)) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the container is not made")
		}
	}
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait() // it was killed
	found, err := kind.Remains(t.Context())
	if err != nil || !slices.ContainsFunc(found, func(r kind.Remain) bool { return r.Prefix == killed }) {
		t.Errorf("what remains is %v (%v)", found, err)
	}
	for range 2 {
		if err := kind.Remove(t.Context(), killed); err != nil {
			t.Fatal(err)
		}
		if left := remaining(t, killed, nil); len(left) > 0 {
			t.Fatalf("left in Docker: %q", left)
		}
	}
}
