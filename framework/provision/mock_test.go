package provision_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/wire"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// authorityDir holds the authority that every mock of this test binary shares: a
// process reads SSL_CERT_FILE once.
var authorityDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "provision-test-")
	if err == nil {
		_, err = wire.NewAuthority(dir, func(string) bool { return true })
	}
	if err != nil {
		panic(err)
	}
	authorityDir = dir
	os.Setenv("SSL_CERT_FILE", filepath.Join(dir, "ca.pem"))
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// world is a mock cloud and one run in it.
type world struct {
	t        *testing.T
	mock     *mockcloud.Cloud
	announce mockcloud.Announcement
	cfg      *config.Config
	client   *cloud.Client
	stateDir string
	kube     *kube
}

// newWorld starts a mock cloud whose clusters exist on paper only. env adds to
// the configuration, change to the mock's settings.
func newWorld(t *testing.T, change func(*settings.Settings), env ...string) *world {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"ca.pem", "ca.key"} {
		data, err := os.ReadFile(filepath.Join(authorityDir, file))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := settings.Default()
	if change != nil {
		change(&s)
	}
	mock, err := mockcloud.Start(t.Context(), mockcloud.Options{Dir: dir, Settings: &s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mock.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, mock: mock, announce: mock.Announcement(), stateDir: t.TempDir(), kube: &kube{namespaces: map[string]map[string]string{}}}
	w.cfg = w.configure(env...)
	w.client, err = cloud.Connect(t.Context(), cloud.Options{Endpoint: w.cfg.Endpoint, Credentials: w.cfg.Credentials})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.client.Close(context.WithoutCancel(t.Context())) })
	return w
}

// configure loads a configuration for this world.
func (w *world) configure(env ...string) *config.Config {
	w.t.Helper()
	token, err := os.ReadFile(w.announce.TokenFile)
	if err != nil {
		w.t.Fatal(err)
	}
	env = append([]string{"YC_ENDPOINT=" + w.announce.Endpoint, "YC_FOLDER_ID=" + w.announce.FolderID, "YC_TOKEN=" + string(token)}, env...)
	cfg, err := config.Load(nil, env)
	if err != nil {
		w.t.Fatal(err)
	}
	return cfg
}

// ledger starts the ledger of a new run.
func (w *world) ledger() *provision.Ledger {
	w.t.Helper()
	now := time.Now()
	l, err := provision.CreateLedger(w.stateDir, provision.Header{RunID: provision.NewRunID(), Owner: "tester", Endpoint: w.cfg.Endpoint,
		FolderID: w.cfg.FolderID, Started: now, Expires: now.Add(time.Hour), PID: os.Getpid()})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = l.Close() })
	return l
}

func (w *world) provision(ctx context.Context, l *provision.Ledger, on provision.Listener) (*provision.Target, provision.Timing, error) {
	return provision.Provision(ctx, provision.Options{Config: w.cfg, Client: w.client, Ledger: l, Dial: w.kube.dial, On: on})
}

// provisioned provisions, or ends the test.
func (w *world) provisioned() (*provision.Target, *provision.Ledger) {
	w.t.Helper()
	l := w.ledger()
	target, _, err := w.provision(w.t.Context(), l, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return target, l
}

// tornDown tears down and demands that nothing is left.
func (w *world) tornDown(l *provision.Ledger) provision.Outcome {
	w.t.Helper()
	out, err := provision.Teardown(w.t.Context(), provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: l, Dial: w.kube.dial})
	if err != nil || len(out.Left) > 0 {
		w.t.Errorf("teardown: left %v, error %v", out.Left, err)
	}
	w.nothingLeft()
	return out
}

// admin reads a page of the mock's admin port.
func (w *world) admin(path string) []byte {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.announce.Admin+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.announce.AdminToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatalf("the admin port answered %d, %v", res.StatusCode, err)
	}
	return raw
}

// inventory asks the mock itself, beside every API, what exists.
func (w *world) inventory() []string {
	w.t.Helper()
	var doc struct {
		Resources []struct{ Type, ID, Name string }
		Bindings  []json.RawMessage
	}
	if err := json.Unmarshal(w.admin("/inventory"), &doc); err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range doc.Resources {
		out = append(out, r.Type+" "+r.Name)
	}
	for _, b := range doc.Bindings {
		out = append(out, "binding "+string(b))
	}
	slices.Sort(out)
	return out
}

func (w *world) nothingLeft() {
	w.t.Helper()
	if left := w.inventory(); len(left) > 0 {
		w.t.Errorf("the mock still has %v", left)
	}
	if left := w.kube.names(); len(left) > 0 {
		w.t.Errorf("the cluster still has the namespaces %v", left)
	}
}

// ledgers counts the ledgers on disk.
func (w *world) ledgers() int {
	w.t.Helper()
	infos, err := provision.Ledgers(w.stateDir)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(infos)
}

// kube is a Kubernetes API in memory. Deleting its cluster takes its namespaces.
type kube struct {
	mu         sync.Mutex
	namespaces map[string]map[string]string // labels by name
	accounts   []string
	access     provision.KubeAccess
	// broken makes deletions fail.
	broken error
}

func (k *kube) dial(_ context.Context, a provision.KubeAccess) (provision.Kubernetes, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.access = a
	return k, nil
}

func (k *kube) CreateNamespace(_ context.Context, name string, labels map[string]string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.namespaces[name] = labels
	return nil
}

func (k *kube) CreateServiceAccount(_ context.Context, namespace, name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.namespaces[namespace]; !ok {
		return errors.New("no namespace " + namespace)
	}
	k.accounts = append(k.accounts, namespace+"/"+name)
	return nil
}

func (k *kube) DeleteNamespace(_ context.Context, name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken != nil {
		return k.broken
	}
	delete(k.namespaces, name)
	return nil
}

func (k *kube) Namespaces(_ context.Context, label, value string) ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for name, labels := range k.namespaces {
		if labels[label] == value {
			out = append(out, name)
		}
	}
	return out, nil
}

func (k *kube) OIDC(context.Context) (issuer, jwks string, err error) {
	return "https://issuer.example.com", "https://issuer.example.com/jwks.json", nil
}

func (k *kube) names() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for name := range k.namespaces {
		out = append(out, name)
	}
	return out
}

// clusterGone forgets the namespaces of a cluster that was deleted.
func (k *kube) clusterGone() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.namespaces)
}
