package mk8s_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// servePods is of the API server what the metadata address asks.
func (c *fakeCluster) servePods(w http.ResponseWriter, r *http.Request) {
	account := func(name string) corev1.ServiceAccount {
		namespace, name, _ := strings.Cut(name, "/")
		made := corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
		if named := c.names[namespace+"/"+name]; named != "" {
			made.Annotations = map[string]string{"yandex.cloud/federated-yc-service-account-id": named}
		}
		return made
	}
	var answer any
	switch parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/"); {
	case parts[0] == "pods":
		list := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}}
		for _, pod := range c.pods {
			if r.URL.Query().Get("fieldSelector") == "status.podIP="+pod.Status.PodIP {
				list.Items = append(list.Items, pod)
			}
		}
		answer = list
	case parts[0] == "serviceaccounts":
		list := corev1.ServiceAccountList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccountList"}}
		for name := range c.names {
			list.Items = append(list.Items, account(name))
		}
		answer = list
	case len(parts) == 5: // a token request
		var request authenticationv1.TokenRequest
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		request.Status.Token = parts[1] + "/" + parts[3] + " as " + request.Spec.BoundObjectRef.Name + " for " + strings.Join(request.Spec.Audiences, ",")
		answer = request
	default:
		answer = account(parts[1] + "/" + parts[3])
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// exchangeOf takes tokens of the account that its id names, and fails for one of that name.
func exchangeOf(account, token string) (iamToken, refusal string, err error) {
	switch {
	case account == "aje-failing":
		return "", "", errors.New("the keys are lost")
	case account != "aje-of-app" || !strings.HasPrefix(token, "ns/app as app for https://"):
		return "", "not-linked", nil
	}
	return "t1.exchanged", "", nil
}

const (
	tokenPath  = "/computeMetadata/v1/instance/service-accounts/default/token"
	nodesToken = "200 t1.nodes"
)

// lodging is a cluster with pods, and the handler of the metadata address of its node.
type lodging struct {
	*cloud
	handler http.Handler
	nodes   string
}

func newLodging(t *testing.T, groupEnabled bool, bug string) *lodging {
	t.Helper()
	l := &lodging{cloud: start(t, true)}
	if bug != "" {
		l.K.Settings.Change(func(s *settings.Settings) { s.Bugs = map[string][]string{l.Folder: {bug}} })
	}
	cluster := l.create(func(r *pb.CreateClusterRequest) {
		r.WorkloadIdentityFederation = &pb.WorkloadIdentityFederationSpec{Enabled: true}
	})
	group := l.cloud.nodes(cluster.Id)
	group.WorkloadIdentityFederation = &pb.NodeGroupWorkloadIdentityFederation{Enabled: groupEnabled}
	l.wait(l.groups.Create(l.admin, group))
	l.nodes = l.nodeAgent.ID
	fake := l.engine.cluster(cluster.Id)
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	for _, n := range fake.nodes {
		l.handler = n.Metadata
	}
	pod := func(name, address string, change func(*corev1.Pod)) {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}, Spec: corev1.PodSpec{ServiceAccountName: name},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: address}}
		if change != nil {
			change(&p)
		}
		fake.pods = append(fake.pods, p)
	}
	pod("app", "10.0.0.1", nil)
	pod("plain", "10.0.0.2", nil)
	pod("unlinked", "10.0.0.3", nil)
	pod("failing", "10.0.0.4", nil)
	pod("app", "10.0.0.5", func(p *corev1.Pod) { p.Spec.HostNetwork = true })
	pod("app", "10.0.0.6", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })
	fake.names = map[string]string{"ns/app": "aje-of-app", "ns/unlinked": "aje-of-another", "ns/failing": "aje-failing"}
	return l
}

// asks is a request of the pod at an address: "200 TOKEN", or the status.
func (l *lodging) asks(address, path, flavor string) string {
	l.t.Helper()
	r := httptest.NewRequestWithContext(l.t.Context(), http.MethodGet, "http://169.254.169.254"+path, nil)
	r.RemoteAddr = address + ":40000"
	if flavor != "" {
		r.Header.Set("Metadata-Flavor", flavor)
	}
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	var body struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Seconds int    `json:"expires_in"`
	}
	status := http.StatusText(w.Code)
	if w.Code != http.StatusOK {
		return status
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Type != "Bearer" || body.Seconds < 43190 || body.Seconds > 43200 {
		l.t.Errorf("%s: %v", w.Body, err)
	}
	return "200 " + strings.ReplaceAll(body.Token, l.nodes, "nodes")
}

// Each pod gets a token of the account that its own service account names, or why not.
func TestMetadataAddress(t *testing.T) {
	l := newLodging(t, true, "")
	for name, tc := range map[string]struct{ address, path, flavor, want, reason string }{
		"linked":           {"10.0.0.1", tokenPath, "Google", "200 t1.exchanged", ""},
		"without account":  {"10.0.0.2", tokenPath, "Google", "Not Found", "metadata/no-account"},
		"not linked":       {"10.0.0.3", tokenPath, "Google", "Forbidden", "metadata/exchange-refused"},
		"no flavor":        {"10.0.0.1", tokenPath, "", "Forbidden", "metadata/flavor-missing"},
		"another flavor":   {"10.0.0.1", tokenPath, "Amazon", "Forbidden", "metadata/flavor-missing"},
		"host network":     {"10.0.0.5", tokenPath, "Google", "Not Found", "metadata/no-pod"},
		"a pod that ended": {"10.0.0.6", tokenPath, "Google", "Not Found", "metadata/no-pod"},
		"nobody":           {"10.0.0.7", tokenPath, "Google", "Not Found", "metadata/no-pod"},
		// A failure is no refusal: who takes it for one would call it a pass.
		"a failing exchange": {"10.0.0.4", tokenPath, "Google", "Internal Server Error", "error"},
	} {
		if got := l.asks(tc.address, tc.path, tc.flavor); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		if e := l.lastEntry(); e.Method != "metadata/token" || e.Reason != tc.reason || (e.Verdict == audit.Allowed) != (tc.reason == "") {
			t.Errorf("%s: audited %+v", name, e)
		}
	}
	if got := l.asks("10.0.0.1", "/computeMetadata/v1/instance/id", "Google"); got != "Not Found" {
		t.Errorf("another path: %s", got)
	}
	if got := newLodging(t, false, "").asks("10.0.0.1", tokenPath, "Google"); got != "Not Found" {
		t.Errorf("on a node group that is not enabled: %s", got)
	}
}

// TestBugsOfMetadata: each changes one answer.
func TestBugsOfMetadata(t *testing.T) {
	acts := map[string]struct{ address, flavor, want string }{
		"MetadataWithoutFlavor":     {"10.0.0.1", "", "200 t1.exchanged"},
		"MetadataOnEveryNode":       {"10.0.0.1", "Google", "200 t1.exchanged"},
		"MetadataIgnoresLink":       {"10.0.0.3", "Google", "200 t1.aje-of-another"},
		"MetadataForEveryPod":       {"10.0.0.2", "Google", "200 t1.aje-"},
		"MetadataGivesNodesAccount": {"10.0.0.1", "Google", nodesToken},
	}
	for _, b := range bugs.All() {
		if b.Area != "metadata" {
			continue
		}
		x, ok := acts[b.Name]
		if !ok {
			t.Errorf("nothing is known of what %s changes", b.Name)
			continue
		}
		l := newLodging(t, b.Name != "MetadataOnEveryNode", b.Name)
		if got := l.asks(x.address, tokenPath, x.flavor); !strings.HasPrefix(got, x.want) {
			t.Errorf("%s: %q, want %q", b.Name, got, x.want)
		}
	}
}
