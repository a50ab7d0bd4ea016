package provision_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

const (
	// runResources is how many resources of the cloud a run creates.
	runResources = 17

	createNetwork    = "yandex.cloud.vpc.v1.NetworkService/Create"
	createFederation = "yandex.cloud.iam.v1.workload.oidc.FederationService/Create"
	createCluster    = "yandex.cloud.k8s.v1.ClusterService/Create"
	updateBindings   = "yandex.cloud.resourcemanager.v1.FolderService/UpdateAccessBindings"
)

// The tutorial's resources, read back from the cloud, and gone afterwards.
func TestProvisionAndTeardown(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	target, l := w.provisioned()
	k := target.Cluster
	if !strings.HasPrefix(k.Issuer, "https://") || !strings.HasPrefix(k.JWKSURL, k.Issuer) || k.Existing || k.NodeGroupID == "" || k.ReleaseChannel != "rapid" {
		t.Errorf("cluster %+v", k)
	}
	f, err := w.client.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: target.FederationID})
	if err != nil || !f.GetEnabled() || f.GetIssuer() != k.Issuer || !slices.Equal(f.GetAudiences(), []string{k.Issuer}) || f.GetJwksUrl() != k.JWKSURL {
		t.Errorf("federation %v, error %v", f, err)
	}
	fc, err := w.client.FederatedCredentials().Get(ctx, &workload.GetFederatedCredentialRequest{FederatedCredentialId: target.CredentialID})
	if err != nil || fc.GetExternalSubjectId() != "system:serviceaccount:"+target.Namespace+":wlif" || fc.GetServiceAccountId() != target.ServiceAccountID || fc.GetFederationId() != f.GetId() {
		t.Errorf("credential %v, error %v", fc, err)
	}
	s, err := w.client.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: target.SecretID})
	if err != nil || s.GetCurrentVersion().GetId() != target.SecretVersionID || !slices.Equal(s.GetCurrentVersion().GetPayloadEntryKeys(), []string{"test-secret"}) {
		t.Errorf("secret %v, error %v", s, err)
	}
	b, err := w.client.Folders().ListAccessBindings(ctx, &access.ListAccessBindingsRequest{ResourceId: target.FolderID})
	if err != nil || !slices.ContainsFunc(b.GetAccessBindings(), func(b *access.AccessBinding) bool {
		return b.GetRoleId() == "lockbox.payloadViewer" && b.GetSubject().GetId() == target.ServiceAccountID
	}) {
		t.Errorf("bindings %v, error %v", b, err)
	}
	if !slices.Equal(w.kube.accounts, []string{target.Namespace + "/wlif"}) || w.kube.access.Endpoint != k.Endpoint {
		t.Errorf("accounts %v by way of %+v", w.kube.accounts, w.kube.access)
	}
	left, err := provision.Inventory(ctx, w.client, []string{target.FolderID}, target.RunID)
	if err != nil || len(left) != runResources {
		t.Errorf("the inventory before the teardown has %d resources, want %d; error %v", len(left), runResources, err)
	}
	for _, x := range left {
		if !strings.Contains(x.Command, x.ID) && x.Kind != provision.KindAccessBinding || !strings.HasPrefix(x.Command, "yc ") {
			t.Errorf("%s %s is deleted with %q", x.Kind, x.ID, x.Command)
		}
	}

	if len(target.Accounts) != 3 || !slices.Contains(target.Accounts, target.ServiceAccountID) {
		t.Errorf("accounts %v", target.Accounts)
	}
	ledger, err := os.ReadFile(l.Path())
	if err != nil || len(ledger) == 0 {
		t.Fatal(err)
	}
	for _, secret := range []string{w.cfg.Credentials.Token.Reveal(), provision.SecretValue, "t1."} {
		if strings.Contains(string(ledger), secret) {
			t.Errorf("the ledger holds a secret: %s", ledger)
		}
	}

	w.kube.clusterGone()
	out := w.tornDown(l)
	if want := runResources + 1; len(out.Deleted) != want { // and the namespace, which went with its cluster
		t.Errorf("%d deleted, want %d", len(out.Deleted), want)
	}
	if n := w.ledgers(); n != 0 {
		t.Errorf("%d ledgers are left of a run that left nothing", n)
	}
}

// A role outlives its service account on the folder. The inventory finds it
// through the account's id, and the sweep through the ledger.
func TestRoleOfADeletedAccount(t *testing.T) {
	w := newWorld(t, nil)
	target, l := w.provisioned()
	w.kube.clusterGone()
	if _, err := w.client.ServiceAccounts().Delete(t.Context(), &iam.DeleteServiceAccountRequest{ServiceAccountId: target.ServiceAccountID}); err != nil {
		t.Fatal(err)
	}
	left, err := provision.Inventory(t.Context(), w.client, []string{target.FolderID}, target.RunID, target.Accounts...)
	if err != nil || !slices.ContainsFunc(left, func(l provision.Leftover) bool {
		return l.Kind == provision.KindAccessBinding && l.Parent == target.ServiceAccountID
	}) {
		t.Errorf("the inventory does not show the role of %s; error %v", target.ServiceAccountID, err)
	}
	w.tornDown(l)
}

// Two runs in one folder do not get in each other's way, and the teardown of one
// leaves the other alone.
func TestTwoRunsAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	type run struct {
		ledger *provision.Ledger
		target *provision.Target
		err    error
	}
	runs := []*run{{ledger: w.ledger()}, {ledger: w.ledger()}}
	var wg sync.WaitGroup
	for _, r := range runs {
		wg.Go(func() { r.target, _, r.err = w.provision(t.Context(), r.ledger, nil) })
	}
	wg.Wait()
	for _, r := range runs {
		if r.err != nil {
			t.Fatal(r.err)
		}
	}
	out, err := provision.Teardown(t.Context(), provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: runs[0].ledger})
	if err != nil || len(out.Left) > 0 {
		t.Errorf("left %v, error %v", out.Left, err)
	}
	other, err := provision.Inventory(t.Context(), w.client, []string{w.cfg.FolderID}, runs[1].target.RunID)
	if err != nil || len(other) != runResources {
		t.Errorf("of the other run %d resources are there, want %d; error %v", len(other), runResources, err)
	}
	w.kube.clusterGone()
	w.tornDown(runs[1].ledger)
}

// Everything that does not depend on something else happens at the same time.
func TestProvisionIsParallel(t *testing.T) {
	latency := settings.Duration(300 * time.Millisecond)
	w := newWorld(t, func(s *settings.Settings) { s.Latencies = map[string]settings.Duration{"*": latency} }, "WLIF_USUAL=*=300ms")
	l := w.ledger()
	var mu sync.Mutex
	started, ended := map[string]bool{}, map[string]bool{}
	together := 0
	_, timing, err := w.provision(t.Context(), l, func(e provision.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e.Type {
		case provision.StepStarted:
			started[e.Step] = true
			together = max(together, len(started)-len(ended))
		case provision.StepDone:
			ended[e.Step] = true
		case provision.StepFailed:
			t.Errorf("%s failed: %v", e.Step, e.Err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if together < 6 { // those that need nothing
		t.Errorf("at most %d steps at the same time", together)
	}
	if len(started) != 18 || len(ended) != 18 {
		t.Errorf("%d steps started, %d were done", len(started), len(ended))
	}
	if timing.Critical.Length != 1800*time.Millisecond || timing.Critical.Sum != 16*300*time.Millisecond || timing.Measured < timing.Critical.Length {
		t.Errorf("critical path %+v, measured %s", timing.Critical, timing.Measured)
	}
	w.kube.clusterGone()
	w.tornDown(l)
}

// Whatever goes wrong, the error says what it was and the teardown leaves nothing.
func TestFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		env   []string
		fault settings.Fault
		class cloud.Class
		want  []string
	}{
		"refused": {nil, settings.Fault{Method: createFederation, Code: "PERMISSION_DENIED", Message: "Permission denied"},
			cloud.ClassPermission, []string{"creating iam.federation wlif-", "Permission denied", "README"}},
		"answers lost": {nil, settings.Fault{Method: createNetwork, Code: "UNAVAILABLE", Message: "lost", After: true},
			cloud.ClassTransport, []string{"creating vpc.network wlif-", "lost"}},
		"restricted by the cloud": {[]string{"WLIF_RELEASE_CHANNEL=regular", "WLIF_TIMEOUT_PROPAGATION=1ms"}, settings.Fault{Method: "none"},
			cloud.ClassOf(nil), []string{"creating k8s.cluster wlif-"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(s *settings.Settings) { s.Faults = []settings.Fault{tc.fault} }, tc.env...)
			l := w.ledger()
			_, _, err := w.provision(t.Context(), l, nil)
			if err == nil || tc.class != cloud.ClassNone && cloud.ClassOf(err) != tc.class {
				t.Fatalf("class %s, error %v", cloud.ClassOf(err), err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			w.kube.clusterGone()
			w.tornDown(l)
		})
	}
}

// Two changes of one folder's bindings at once make one of them lose the race.
func TestLostRacesAreRepeated(t *testing.T) {
	w := newWorld(t, func(s *settings.Settings) {
		s.Faults = []settings.Fault{{Method: updateBindings, Calls: 4, Code: "ABORTED", Message: "concurrent modification"}}
	})
	_, l := w.provisioned()
	w.kube.clusterGone()
	w.tornDown(l)
}

// Roles take effect a while after they were granted: the cluster's creation,
// which needs them, is repeated, visibly, and for so long only.
func TestRolesThatAreNotInForceYet(t *testing.T) {
	for name, tc := range map[string]struct {
		limit string
		ends  provision.EventType
	}{
		"in force in time":     {"30s", provision.StepDone},
		"not in force in time": {"1ms", provision.StepFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(s *settings.Settings) { s.Propagation = settings.Duration(2 * time.Second) }, "WLIF_TIMEOUT_PROPAGATION="+tc.limit)
			l := w.ledger()
			var mu sync.Mutex
			var waits []string
			var ended provision.Event
			_, _, err := w.provision(t.Context(), l, func(e provision.Event) {
				mu.Lock()
				defer mu.Unlock()
				switch {
				case e.Step != provision.StepCluster:
				case e.Type == provision.StepWaiting:
					waits = append(waits, e.Text)
				default:
					ended = e
				}
			})
			if ended.Type != tc.ends {
				t.Fatalf("the cluster's creation %s: %v", ended.Type, err)
			}
			if all := strings.Join(waits, "; "); err == nil && (!strings.Contains(all, provision.WaitsForRights+", attempt 2") || !strings.Contains(all, "accepted at attempt")) {
				t.Errorf("the waiting is not told: %q", waits)
			}
			if err != nil && !strings.Contains(err.Error(), "timeout.propagation") {
				t.Errorf("the error does not say what bounds the waiting: %v", err)
			}
			w.kube.clusterGone()
			w.tornDown(l)
		})
	}
}

// An interrupt comes while the cluster is being created: the teardown waits for
// that and deletes it, although the context it was given is cancelled already.
func TestInterruptWhileTheClusterIsCreated(t *testing.T) {
	w := newWorld(t, func(s *settings.Settings) {
		s.Latencies = map[string]settings.Duration{createCluster: settings.Duration(3 * time.Second), "*": 0}
	})
	l := w.ledger()
	ctx, interrupt := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	_, _, err := w.provision(ctx, l, func(e provision.Event) {
		if e.Step == provision.StepCluster && e.Type == provision.StepWaiting {
			interrupt(cause)
		}
	})
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Fatalf("error %v", err)
	}
	out, err := provision.Teardown(ctx, provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: l})
	if err != nil || len(out.Left) > 0 {
		t.Errorf("left %v, error %v", out.Left, err)
	}
	w.kube.clusterGone()
	w.nothingLeft()
}

// The answer of a call is lost, and nobody knows the operation, which goes on: the
// deletion waits for it, by the ledger and by the labels alone.
func TestWhatTheLostAnswersMade(t *testing.T) {
	for name, tc := range map[string]struct {
		method   string
		byLedger bool
	}{
		"a cluster by ledger":   {createCluster, true},
		"a cluster by labels":   {createCluster, false},
		"a subnet by ledger":    {"yandex.cloud.vpc.v1.SubnetService/Create", true},
		"a gateway by labels":   {"yandex.cloud.vpc.v1.GatewayService/Create", false},
		"a network by ledger":   {"yandex.cloud.vpc.v1.NetworkService/Create", true},
		"a node group by label": {"yandex.cloud.k8s.v1.NodeGroupService/Create", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(s *settings.Settings) {
				s.Latencies = map[string]settings.Duration{tc.method: settings.Duration(2 * time.Second), "*": 0}
				s.Faults = []settings.Fault{{Method: tc.method, Code: "INTERNAL", Message: "lost", After: true}}
			})
			l := w.ledger()
			if _, _, err := w.provision(t.Context(), l, nil); err == nil {
				t.Fatal("no error")
			}
			w.kube.clusterGone()
			if tc.byLedger {
				w.tornDown(l)
			} else {
				runID := l.Header().RunID
				_ = l.Close()
				runs, err := provision.Sweep(t.Context(), provision.SweepOptions{Config: w.cfg, Client: w.client, StateDir: t.TempDir(), RunID: runID, Force: true})
				if err != nil || len(runs) != 1 || len(runs[0].Outcome.Left) > 0 {
					t.Errorf("%+v, %v", runs, err)
				}
			}
			w.nothingLeft()
		})
	}
}

// The user's own network and cluster are used and stay.
func TestExistingResourcesStay(t *testing.T) {
	w := newWorld(t, nil)
	first, firstLedger := w.provisioned()
	before := w.inventory()

	w.cfg = w.configure("WLIF_CLUSTER=existing", "WLIF_CLUSTER_ID="+first.Cluster.ID)
	second, l := w.provisioned()
	if !second.Cluster.Existing || second.Cluster.Issuer != first.Cluster.Issuer || second.NetworkID != "" || second.Namespace == first.Namespace {
		t.Errorf("target %+v", second)
	}
	w.kube.broken = errors.New("webhook denies it")
	out, err := provision.Teardown(t.Context(), provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: l, Dial: w.kube.dial})
	if err == nil || len(out.Left) != 1 || out.Left[0].Kind != provision.KindNamespace || out.Left[0].Command != "kubectl delete namespace "+second.Namespace {
		t.Errorf("left %+v, error %v", out.Left, err)
	}
	w.kube.broken = nil
	if out, err := provision.Teardown(t.Context(), provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: l, Dial: w.kube.dial}); err != nil || len(out.Left) != 0 {
		t.Errorf("left %+v, error %v", out.Left, err)
	}
	if after := w.inventory(); !slices.Equal(after, before) {
		t.Errorf("before %v\nafter %v", before, after)
	}

	w.cfg = w.configure("WLIF_NETWORK_ID="+first.NetworkID, "WLIF_SUBNET_ID="+first.SubnetID)
	third, l := w.provisioned()
	if third.NetworkID != first.NetworkID || third.SubnetID != first.SubnetID || third.Cluster.ID == first.Cluster.ID {
		t.Errorf("target %+v", third)
	}
	if out, err := provision.Teardown(t.Context(), provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: l}); err != nil || len(out.Left) != 0 {
		t.Errorf("left %+v, error %v", out.Left, err)
	}
	if after := w.inventory(); !slices.Equal(after, before) {
		t.Errorf("before %v\nafter %v", before, after)
	}
	w.kube.clusterGone()
	w.tornDown(firstLedger)
}

func TestUnknownCluster(t *testing.T) {
	w := newWorld(t, nil, "WLIF_CLUSTER=existing", "WLIF_CLUSTER_ID=cat00000000000000000")
	l := w.ledger()
	_, _, err := w.provision(t.Context(), l, nil)
	if err == nil || !strings.Contains(err.Error(), "looking up cluster_id cat00000000000000000") {
		t.Errorf("error %v", err)
	}
	w.tornDown(l)
}

// A cluster that is known by its kubeconfig only.
func TestKubeconfig(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, nil, "WLIF_CLUSTER=existing", "WLIF_KUBECONFIG="+kubeconfig, "WLIF_JWKS_URL=https://bucket.example.com/jwks.json")
	target, l := w.provisioned()
	if k := target.Cluster; k.Issuer != "https://issuer.example.com" || k.JWKSURL != "https://bucket.example.com/jwks.json" || k.Kubeconfig != kubeconfig || w.kube.access.Kubeconfig != kubeconfig {
		t.Errorf("cluster %+v", k)
	}
	w.tornDown(l)
}
