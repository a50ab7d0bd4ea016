package mk8s_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// fakeEngine makes clusters of which only the API server is there, and of it only
// what the service asks.
type fakeEngine struct {
	t  *testing.T
	mu sync.Mutex
	// fail makes the next of these calls fail: "start", "issuers", "node", "restart", "logs", "delete".
	fail     string
	suffix   string        // ends the names of nodes, as an engine with names of its own
	hold     chan struct{} // when set, Start waits for it (or its context)
	clusters map[string]*fakeCluster
	starts   []localcluster.Spec
}

type fakeCluster struct {
	engine  *fakeEngine
	spec    localcluster.Spec
	api     *httptest.Server
	issuers []string
	nodes   map[string]localcluster.NodeSpec
	// restarted are the nodes that were.
	restarted []string
	bound     map[string]string // group -> cluster role
	pods      []corev1.Pod
	// names are the accounts that Kubernetes service accounts name, by namespace/name.
	names map[string]string
}

var errFake = errors.New("the fake was told to fail")

func (e *fakeEngine) Name() string                                        { return "fake" }
func (e *fakeEngine) Versions() []string                                  { return []string{"1.36.3", "1.35.4", "1.30.14", "1.29.1"} }
func (e *fakeEngine) Lacks() []string                                     { return nil }
func (e *fakeEngine) Host(context.Context) []string                       { return []string{"a fact"} }
func (e *fakeEngine) Resumes() bool                                       { return true }
func (e *fakeEngine) Prepare(context.Context, string, func(string)) error { return nil }

func (e *fakeEngine) failing(what string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != what {
		return nil
	}
	e.fail = ""
	return errFake
}

func (e *fakeEngine) failNext(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = what
}

func (e *fakeEngine) cluster(id string) *fakeCluster {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clusters[id]
}

func (e *fakeEngine) running() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.clusters)
}

func (e *fakeEngine) Start(ctx context.Context, spec localcluster.Spec) (localcluster.Cluster, error) {
	if e.hold != nil {
		select {
		case <-e.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := e.failing("start"); err != nil {
		return nil, err
	}
	c := &fakeCluster{engine: e, spec: spec, issuers: spec.Issuers, nodes: map[string]localcluster.NodeSpec{}, bound: map[string]string{}}
	c.api = httptest.NewServer(c)
	e.t.Cleanup(c.api.Close)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.starts = append(e.starts, spec)
	e.clusters[spec.Name] = c
	return c, nil
}

// ServeHTTP is the API server.
func (c *fakeCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings":
		raw, _ := io.ReadAll(r.Body)
		var b rbacv1.ClusterRoleBinding
		if err := json.Unmarshal(raw, &b); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.bound[b.Subjects[0].Name] = b.RoleRef.Name
		_, _ = w.Write(raw)
	case r.Method == http.MethodPost && r.URL.Path == "/apis/authorization.k8s.io/v1/subjectaccessreviews":
		var review authorizationv1.SubjectAccessReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, review.Status.Allowed = c.bound[review.Spec.Groups[0]]
		_ = json.NewEncoder(w).Encode(review)
	case r.URL.Path == "/api/v1/pods" || strings.Contains(r.URL.Path, "/serviceaccounts"):
		c.servePods(w, r)
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/api/v1/nodes/"):
		name := r.URL.Path[len("/api/v1/nodes/"):]
		if _, ok := c.nodes[name]; !ok {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(corev1.Node{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}, ObjectMeta: metav1.ObjectMeta{Name: name},
			Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}})
	default:
		http.NotFound(w, r)
	}
}

func (c *fakeCluster) Endpoint() string { return "https://127.81.2.3:6443" }

func (c *fakeCluster) InternalEndpoint() string { return "https://10.81.2.3:6443" }
func (c *fakeCluster) CA() []byte               { return []byte("the CA of " + c.spec.Name) }
func (c *fakeCluster) Version() string          { return "1.36.3" }
func (c *fakeCluster) Admin() *rest.Config {
	return &rest.Config{Host: c.api.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
}
func (c *fakeCluster) CollectLogs(_ context.Context, dir string) error {
	if err := c.engine.failing("logs"); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "log"), []byte("of "+c.spec.Name), 0o600)
}

func (c *fakeCluster) JWKS(context.Context) ([]byte, error) {
	return []byte(`{"keys":[{"alg":"RS256","kid":"` + c.spec.Name + `","kty":"RSA","use":"sig"}]}`), nil
}

func (c *fakeCluster) SetIssuers(_ context.Context, issuers []string) error {
	if err := c.engine.failing("issuers"); err != nil {
		return err
	}
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.issuers = slices.Clone(issuers)
	return nil
}

func (c *fakeCluster) AddNode(_ context.Context, n localcluster.NodeSpec) (string, error) {
	if err := c.engine.failing("node"); err != nil {
		return "", err
	}
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	name := n.Name + c.engine.suffix
	c.nodes[name] = n
	return name, nil
}

func (c *fakeCluster) RemoveNode(_ context.Context, name string) error {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	delete(c.nodes, name)
	return nil
}

func (c *fakeCluster) RestartNode(_ context.Context, name string) error {
	if err := c.engine.failing("restart"); err != nil {
		return err
	}
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.restarted = append(c.restarted, name)
	return nil
}

func (c *fakeCluster) Delete(context.Context) error {
	if err := c.engine.failing("delete"); err != nil {
		return err
	}
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	delete(c.engine.clusters, c.spec.Name)
	return nil
}

// files is a publisher.
type files struct {
	mu  sync.Mutex
	all map[string]string
	// types are their content types.
	types map[string]string
}

func (f *files) Publish(bucket, key, contentType string, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[bucket+"/"+key], f.types[bucket+"/"+key] = string(body), contentType
	return nil
}

func (f *files) Withhold(bucket, key string) error {
	return f.Publish(bucket, key, "", []byte("withheld"))
}

func (f *files) Unpublish(bucket, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, bucket+"/"+key)
	return nil
}

func (f *files) get(path string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all[path]
}

func (f *files) typeOf(path string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.types[path]
}

func (f *files) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all)
}
