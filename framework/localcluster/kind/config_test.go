package kind

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// patched are the documents for kubeadm, by their kind.
func patched(t *testing.T, p plan) map[string]map[string]any {
	t.Helper()
	config, err := p.config()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for _, patch := range config.KubeadmConfigPatches {
		var document map[string]any
		if err := yaml.Unmarshal([]byte(patch), &document); err != nil {
			t.Fatal(err)
		}
		out[document["kind"].(string)] = document
	}
	return out
}

func TestHostsDecideWhatKubeletsAreTold(t *testing.T) {
	for _, tc := range []struct {
		version         string
		host            Host
		failCgroup, oom any
	}{
		{"1.36.3", Host{}, nil, nil},
		{"1.36.3", Host{CgroupV1: true}, false, nil},
		{"1.30.14", Host{CgroupV1: true}, nil, nil}, // it does not know the field
		{"1.30.14", Host{NoResourceCapability: true}, nil, 0.0},
	} {
		documents := patched(t, plan{version: tc.version, host: tc.host, workers: 1})
		kubelet, proxy := documents["KubeletConfiguration"], documents["KubeProxyConfiguration"]
		if kubelet["failCgroupV1"] != tc.failCgroup || kubelet["oomScoreAdj"] != tc.oom || proxy["oomScoreAdj"] != tc.oom {
			t.Errorf("%s on %+v: kubelet %v, kube-proxy %v", tc.version, tc.host, kubelet, proxy)
		}
	}
}

func TestConfiguration(t *testing.T) {
	p := plan{
		spec:    localcluster.Spec{Name: "cat1", Dir: "/d", Issuers: []string{"https://a", "https://b"}, Authenticator: &localcluster.Authenticator{}},
		network: "wlif-run", version: "1.36.3", image: "img", workers: 2,
	}
	config, err := p.config()
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Nodes) != 3 || config.Networking.APIServerAddress != "127.0.0.1" || p.name() != "wlif-run-cat1" {
		t.Errorf("%d nodes, API server at %s, named %s", len(config.Nodes), config.Networking.APIServerAddress, p.name())
	}
	server := patched(t, p)["ClusterConfiguration"]["apiServer"].(map[string]any)
	arguments := server["extraArgs"].(map[string]any)
	if arguments["service-account-issuer"] != "https://a" || arguments["authentication-token-webhook-cache-ttl"] != "0s" || server["extraVolumes"] == nil {
		t.Errorf("the API server gets %v", server)
	}
	p.spec.Issuers, p.spec.Authenticator = nil, nil
	if server := patched(t, p)["ClusterConfiguration"]["apiServer"].(map[string]any); len(server) != 1 || len(server["extraArgs"].(map[string]any)) != 0 {
		t.Errorf("nothing was asked, and the API server gets %v", server)
	}
}

// world is a cluster of which only addresses are there.
func world(t *testing.T) (*Cluster, *member) {
	t.Helper()
	w := &member{name: "w", address: "172.18.0.3", subnet: "10.244.1.0/24"}
	c := &Cluster{gate: newGate("127.0.0.1"), subnet: "172.18.0.0/16", control: member{name: "c", address: "172.18.0.2"}, workers: []*member{w}}
	t.Cleanup(c.gate.close)
	if err := c.reach(map[string]string{"b.example": "127.0.0.1:2", "a.example": "127.0.0.1:1", "c.example": "127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	return c, w
}

func TestNamesLeadThroughTheGate(t *testing.T) {
	c, w := world(t)
	if len(c.reached) != 2 || c.names["a.example"] != c.names["c.example"] || c.names["a.example"] == c.names["b.example"] {
		t.Errorf("names %v, reached %v", c.names, c.reached)
	}
	open, closed := c.rules(w, true), c.rules(w, false)
	for name, address := range c.names {
		if !strings.Contains(open, "-d "+address+" -p tcp --dport 443 -j DNAT --to-destination 127.0.0.1:") {
			t.Errorf("%s (%s) leads nowhere:\n%s", name, address, open)
		}
	}
	if strings.Contains(closed, "DNAT") {
		t.Errorf("a node without egress reaches this machine:\n%s", closed)
	}
	last := func(rules string) string {
		all := strings.Split(strings.TrimSpace(rules), "\n")
		return all[len(all)-2]
	}
	if got := last(closed); got != "-A NODE-EGRESS -j REJECT --reject-with icmp-admin-prohibited" {
		t.Errorf("without egress the last rule is %q", got)
	}
	for _, protected := range []string{"169.254.0.0/16", "172.18.0.0/16", "198.18.0.0/15"} {
		if !strings.Contains(open, "-d "+protected+" -j REJECT") {
			t.Errorf("pods reach %s:\n%s", protected, open)
		}
	}
	for _, rules := range []string{open, closed} {
		if !strings.Contains(rules, "-d 172.18.0.2 -p tcp --dport 6443 -j RETURN") {
			t.Errorf("pods do not reach the API server:\n%s", rules)
		}
	}
}

func TestTheGateForwards(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "got %s", raw)
	}))
	defer inside.Close()
	g := newGate("127.0.0.1")
	address, err := g.to(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := g.to(inside.Listener.Addr().String()); err != nil || again != address {
		t.Errorf("asked again, it is at %s (%v), not %s", again, err, address)
	}
	resp, err := http.Post("http://"+address, "text/plain", strings.NewReader("that")) //nolint:noctx // a local server of this test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if raw, err := io.ReadAll(resp.Body); err != nil || string(raw) != "got that" {
		t.Errorf("answered %q (%v)", raw, err)
	}
	idle, err := net.Dial("tcp", address) //nolint:noctx // a local server of this test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	// Answered once, it has certainly been let through.
	if _, err := io.WriteString(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(idle)
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	g.close()
	if _, err := net.Dial("tcp", address); err == nil { //nolint:noctx // a local server of this test
		t.Error("a closed gate lets in")
	}
	if n, err := answers.ReadByte(); err == nil {
		t.Errorf("a connection lives on after the gate was closed: it got %d", n)
	}
}

const corefile = `.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       fallthrough in-addr.arpa ip6.arpa
    }
    forward . /etc/resolv.conf
}
`

func TestCorefile(t *testing.T) {
	got, err := withHosts(corefile, map[string]string{"b.example": "198.18.0.2", "a.example": "198.18.0.1"})
	want := strings.Replace(corefile, "{\n", "{\n    hosts {\n        198.18.0.1 a.example\n        198.18.0.2 b.example\n        fallthrough\n    }\n", 1)
	if err != nil || got != want {
		t.Errorf("(%v)\n%s\nwant\n%s", err, got, want)
	}
	if got, err := withHosts(corefile, nil); err != nil || got != corefile {
		t.Errorf("without names (%v):\n%s", err, got)
	}
	if _, err := withHosts("no server", map[string]string{"a": "b"}); err == nil {
		t.Error("a Corefile without a server: no error")
	}
}

// What a kubelet remembers of a config map is never another's.
func TestAnotherCorefileIsAnotherConfigMap(t *testing.T) {
	const corefile = ".:53 {\n    errors\n}\n"
	seen := map[string]string{}
	for _, names := range []map[string]string{nil, {"a.example": "198.18.0.1"}, {"a.example": "198.18.0.2"}, {"a.example": "198.18.0.1"}} {
		config, err := dnsConfig(corefile, names)
		if err != nil {
			t.Fatal(err)
		}
		text := config.Data[corefileKey]
		if former, found := seen[config.Name]; found && former != text {
			t.Errorf("%s says both\n%s\nand\n%s", config.Name, former, text)
		}
		if (config.Name == dnsName) != (text == corefile) {
			t.Errorf("%s says\n%s", config.Name, text)
		}
		seen[config.Name] = text
	}
	if len(seen) != 3 {
		t.Errorf("%d config maps: %v", len(seen), seen)
	}
}

func TestRolledOut(t *testing.T) {
	one := int32(1)
	for name, tc := range map[string]struct {
		status appsv1.DeploymentStatus
		done   bool
	}{
		"not seen yet":     {appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}, false},
		"an old pod":       {appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 1, AvailableReplicas: 2}, false},
		"not available":    {appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1}, false},
		"the old one only": {appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, AvailableReplicas: 1}, false},
		"done":             {appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}, true},
	} {
		d := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &one}, Status: tc.status}
		d.Generation = 2
		if err := rolledOut(d); (err == nil) != tc.done {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContainersTrustTheBundle(t *testing.T) {
	raw, err := trusting([]byte(`{"ociVersion":"1.1.0","process":{"env":["PATH=/bin"],"cwd":"/"},"mounts":[{"destination":"/proc"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		OCIVersion string
		Process    struct {
			Env []string
			Cwd string
		}
		Mounts []struct{ Destination, Source string }
	}
	if err := json.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(spec.Process.Env, []string{"PATH=/bin", "SSL_CERT_FILE=" + podBundle, "CURL_CA_BUNDLE=" + podBundle}) || spec.Process.Cwd != "/" {
		t.Errorf("the process is %+v", spec.Process)
	}
	if len(spec.Mounts) != 2 || spec.Mounts[1].Destination != podBundle || spec.Mounts[1].Source != nodeBundle || spec.OCIVersion != "1.1.0" {
		t.Errorf("the specification is %+v", spec)
	}
	if _, err := trusting([]byte("{")); err == nil {
		t.Error("half a specification: no error")
	}
}

const manifest = `apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.3
    command:
    - kube-apiserver
    - --service-account-issuer=https://old
    - --secure-port=6443
`

func TestTheManifestGetsIssuers(t *testing.T) {
	raw, err := signingFor([]byte(manifest), []string{"https://new", "https://old"})
	if err != nil {
		t.Fatal(err)
	}
	var pod struct {
		Spec struct {
			Containers []struct {
				Image   string
				Command []string
			}
		}
	}
	if err := yaml.Unmarshal(raw, &pod); err != nil {
		t.Fatal(err)
	}
	want := []string{"kube-apiserver", "--secure-port=6443", "--service-account-issuer=https://new", "--service-account-issuer=https://old"}
	if got := pod.Spec.Containers[0]; !slices.Equal(got.Command, want) || got.Image != "registry.k8s.io/kube-apiserver:v1.36.3" {
		t.Errorf("the container is %+v, want the command %q", got, want)
	}
	for _, broken := range []string{"", "{", strings.ReplaceAll(manifest, "- name: kube-apiserver", "- name: other")} {
		if _, err := signingFor([]byte(broken), []string{"https://new"}); err == nil {
			t.Errorf("%.20q: no error", broken)
		}
	}
}

// archive is a tar file; a member that begins with -> is a symbolic link.
func TestTheWebhookIsReachedByTheGateUnderItsName(t *testing.T) {
	c := &Cluster{gate: newGate("127.0.0.1"), plan: plan{spec: localcluster.Spec{Dir: t.TempDir(),
		Authenticator: &localcluster.Authenticator{URL: "https://127.0.0.1:8443/review/cat1", CA: []byte("ca")}}}}
	t.Cleanup(c.gate.close)
	if err := os.Mkdir(c.plan.settings(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := c.writeWebhook(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(c.plan.settings() + "/" + webhookFile)
	if err != nil {
		t.Fatal(err)
	}
	at, err := c.gate.to("127.0.0.1:8443")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"server: https://" + at + "/review/cat1", "tls-server-name: 127.0.0.1"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %q in\n%s", want, raw)
		}
	}
	c.plan.spec.Authenticator.URL = "http://127.0.0.1:1/review"
	if err := c.writeWebhook(); err == nil {
		t.Error("a webhook without TLS: no error")
	}
}

// ignoreExit is err without the exit code of a program.

// TestLeadsTo: a node's pods resolve names when all that kube-proxy leads them to answers.
func TestLeadsTo(t *testing.T) {
	rule := func(to string) string {
		return `-A KUBE-SVC-TCOU7JCQXEZGVUNU -m comment --comment "kube-system/kube-dns:dns -> ` + to + `:53" -j KUBE-SEP-X` + "\n"
	}
	// Of a service that has nobody behind it kube-proxy still says so much.
	const service = `-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns cluster IP" -j KUBE-SVC-TCOU7JCQXEZGVUNU` + "\n"
	for name, tc := range map[string]struct {
		rules string
		pods  []string
		leads bool
	}{
		"to the pod":            {service + rule("10.244.0.3"), []string{"10.244.0.3"}, true},
		"by two rules":          {service + rule("10.244.0.3") + rule("10.244.0.3"), []string{"10.244.0.3"}, true},
		"to both":               {service + rule("10.244.0.4") + rule("10.244.0.3"), []string{"10.244.0.3", "10.244.0.4"}, true},
		"no kube-proxy":         {"", []string{"10.244.0.3"}, false},
		"nobody yet":            {service, []string{"10.244.0.3"}, false},
		"to a former one":       {service + rule("10.244.0.2"), []string{"10.244.0.3"}, false},
		"to a former one, too":  {service + rule("10.244.0.2") + rule("10.244.0.3"), []string{"10.244.0.3"}, false},
		"to one of two":         {service + rule("10.244.0.3"), []string{"10.244.0.3", "10.244.0.4"}, false},
		"to a longer address":   {service + rule("10.244.0.30"), []string{"10.244.0.3"}, false},
		"nobody answers at all": {service, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			var pods []corev1.Pod
			for _, address := range tc.pods {
				pods = append(pods, corev1.Pod{Status: corev1.PodStatus{PodIP: address}})
			}
			if err := leadsTo(tc.rules, pods); (err == nil) != tc.leads {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEndingPods(t *testing.T) {
	now := metav1.Now()
	pods := []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "new"}}, {ObjectMeta: metav1.ObjectMeta{Name: "former", DeletionTimestamp: &now}}}
	if got := endingPods(pods); len(got) != 1 || got[0] != "former" {
		t.Errorf("ending are %q", got)
	}
}
