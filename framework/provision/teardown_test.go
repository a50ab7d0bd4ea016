package provision_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// An operation that never ends does not keep what it made from being deleted.
func TestOperationThatNeverEnds(t *testing.T) {
	w := newWorld(t, func(s *settings.Settings) {
		s.Faults = []settings.Fault{{Method: "yandex.cloud.lockbox.v1.SecretService/Create", Operation: settings.OperationNever}}
	}, "WLIF_TIMEOUT_OPERATION=1s", "WLIF_TIMEOUT_DELETE=4s")
	l := w.ledger()
	if _, _, err := w.provision(t.Context(), l, nil); err == nil {
		t.Fatal("no error")
	}
	w.kube.clusterGone()
	w.tornDown(l)
}

// A subnet whose operation never ends is deleted by no cloud that guards what it works
// on. The teardown says which operation that is, names everything that hangs on it with
// the command that deletes it, and a sweep ends what it began when the operation has.
func TestTeardownNamesWhatNeverEnds(t *testing.T) {
	w := newWorld(t, func(s *settings.Settings) {
		s.Faults = []settings.Fault{{Method: "yandex.cloud.vpc.v1.SubnetService/Create", Operation: settings.OperationNever}}
	}, "WLIF_TIMEOUT_OPERATION=1s", "WLIF_TIMEOUT_DELETE=4s")
	l := w.ledger()
	if _, _, err := w.provision(t.Context(), l, nil); err == nil {
		t.Fatal("no error")
	}
	out, err := provision.Teardown(t.Context(), provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: l})
	if err == nil {
		t.Fatal("no error")
	}
	kinds := map[string]bool{}
	for _, left := range out.Left {
		kinds[left.Kind] = true
		if left.ID == "" || !strings.HasSuffix(left.Command, " delete "+left.ID) {
			t.Errorf("%s is deleted by %q", left.ID, left.Command)
		}
		if left.Kind == provision.KindSubnet && (!strings.Contains(left.Reason, "has not ended") || !strings.Contains(left.Reason, "wlif sweep")) {
			t.Errorf("the subnet is left because %s", left.Reason)
		}
	}
	if len(out.Left) != 4 || !kinds[provision.KindSubnet] || !kinds[provision.KindRouteTable] || !kinds[provision.KindGateway] || !kinds[provision.KindNetwork] {
		t.Errorf("left %+v", out.Left)
	}
	w.mock.Settings().Change(func(s *settings.Settings) { s.Faults = nil })
	w.tornDown(l)
}

// Everything that the cloud charges for is seen to be made and to be gone.
func TestLifeOfWhatIsCharged(t *testing.T) {
	w := newWorld(t, nil)
	l := w.ledger()
	var mu sync.Mutex
	alive, ended := map[string]string{}, map[string]bool{}
	l.Watch(func(r provision.Record) {
		mu.Lock()
		defer mu.Unlock()
		alive[r.ID] = r.Kind
	}, func(r provision.Record) {
		mu.Lock()
		defer mu.Unlock()
		delete(alive, r.ID)
		ended[r.Kind] = true
	})
	if _, _, err := w.provision(t.Context(), l, nil); err != nil {
		t.Fatal(err)
	}
	if len(alive) == 0 || len(ended) > 0 {
		t.Errorf("alive %v, ended %v before the teardown", alive, ended)
	}
	w.kube.clusterGone()
	w.tornDown(l)
	for id, kind := range alive {
		t.Errorf("the end of %s %s was not seen", kind, id)
	}
	for _, kind := range []string{provision.KindCluster, provision.KindNodeGroup, provision.KindGateway, provision.KindSecret} {
		if !ended[kind] || len(provision.Charged(kind)) == 0 {
			t.Errorf("%s: ended %v, charged for %v", kind, ended[kind], provision.Charged(kind))
		}
	}
}

// What cannot be deleted is named, with its reason and the command, and stays in
// the ledger; everything else is deleted all the same.
func TestTeardownGoesOn(t *testing.T) {
	fault := settings.Fault{Method: "yandex.cloud.lockbox.v1.SecretService/Delete", Code: "PERMISSION_DENIED", Message: "Permission denied", Calls: 1}
	w := newWorld(t, func(s *settings.Settings) { s.Faults = []settings.Fault{fault} })
	target, l := w.provisioned()
	w.kube.clusterGone()
	out, err := provision.Teardown(t.Context(), provision.TeardownOptions{Config: w.cfg, Client: w.client, Ledger: l})
	if err == nil || len(out.Left) != 1 || out.Left[0].ID != target.SecretID || !strings.Contains(out.Left[0].Reason, "Permission denied") ||
		out.Left[0].Command != "yc lockbox secret delete "+target.SecretID {
		t.Fatalf("left %+v, error %v", out.Left, err)
	}
	if live := l.Live(); len(live) != 1 || live[0].Kind != provision.KindSecret {
		t.Errorf("the ledger still has %+v", live)
	}
	w.tornDown(l)
}
