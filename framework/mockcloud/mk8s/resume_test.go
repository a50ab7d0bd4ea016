package mk8s_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/mk8s"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/vpc"
)

// former is the state that a former process left: a running cluster with a
// node, one that was being made and one that was being deleted.
const former = `{
 "managed-kubernetes.cluster": {"order": ["catrun", "catmade", "catgone"], "rows": {
  "catrun": {"id": "catrun", "status": "RECONCILING", "releaseChannel": "RAPID", "workloadIdentityFederation": {},
   "master": {"version": "1.36", "endpoints": {"externalV4Endpoint": "https://old"}, "zonalMaster": {"zoneId": "ru-central1-a"}}},
  "catmade": {"id": "catmade", "status": "PROVISIONING", "master": {"version": "1.36"}},
  "catgone": {"id": "catgone", "status": "DELETING", "master": {"version": "1.36"}}}},
 "managed-kubernetes.nodeGroup": {"order": ["catng", "cathalf"], "rows": {
  "catng": {"id": "catng", "clusterId": "catrun", "status": "RUNNING"},
  "cathalf": {"id": "cathalf", "clusterId": "catrun", "status": "PROVISIONING"}}},
 "managed-kubernetes.nodes": {"catng": [{"name": "cl1x-aaaa", "instance": "fhm1", "zone": "ru-central1-a", "subnet": "enp1"}],
  "cathalf": [{"name": "cl1y-bbbb", "instance": "fhm2", "zone": "ru-central1-a", "subnet": "enp1"}]},
 "managed-kubernetes.issuers": {"catrun": ["https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/catrun", "https://kubernetes.default.svc.cluster.local"]}
}`

func TestResume(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(file, []byte(former), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := state.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() }) // before its folder goes
	k := kernel.New(store, settings.NewLive(settings.Default()), clocktesting.NewFakeClock(time.Unix(1, 0)), slog.New(slog.NewTextHandler(io.Discard, nil)), audit.New(nil))
	c := &cloud{t: t, dir: t.TempDir(), files: &files{all: map[string]string{}, types: map[string]string{}}, engine: &fakeEngine{t: t, clusters: map[string]*fakeCluster{}}}
	o := c.options(k, vpc.New(k))
	o.KeepState = true
	s := mk8s.New(o)
	if err := s.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}

	running := c.engine.cluster("catrun")
	if running == nil || c.engine.running() != 1 {
		t.Fatalf("%d clusters run", c.engine.running())
	}
	if !slices.Equal(running.spec.Issuers, []string{"https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/catrun", "https://kubernetes.default.svc.cluster.local"}) {
		t.Errorf("issuers %v", running.spec.Issuers)
	}
	if _, ok := running.nodes["cl1x-aaaa"]; !ok || len(running.nodes) != 1 {
		t.Errorf("nodes %v", running.nodes)
	}
	if c.files.get("mk8s-oidc/v1/clusters/catrun/jwks.json") == "" {
		t.Error("no key set is published")
	}
	kinds := map[string]int{}
	for _, m := range store.Inventory() {
		kinds[m.Type]++
	}
	if kinds[mk8s.KindCluster] != 1 || kinds[mk8s.KindNodeGroup] != 1 {
		t.Errorf("inventory %v", kinds)
	}
	got := rowOf(t, s, "catrun")
	if got.Status != pb.Cluster_RUNNING || !got.WorkloadIdentityFederation.Enabled || got.Master.Endpoints.ExternalV4Endpoint != running.Endpoint() {
		t.Errorf("cluster is %v", got)
	}

	// Closing with the state kept ends the cluster and leaves its folder.
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if c.engine.running() != 0 || !exists(filepath.Join(c.dir, "catrun")) || exists(filepath.Join(c.dir, "catmade")) {
		t.Error("the folder of the running cluster alone has to stay")
	}
	k.Operations.Close()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// rowOf reads a cluster as the API shows it.
func rowOf(t *testing.T, s *mk8s.Service, id string) *pb.Cluster {
	t.Helper()
	row, err := s.Services()[0].Impl.(pb.ClusterServiceServer).Get(t.Context(), &pb.GetClusterRequest{ClusterId: id})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
