package provision_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// Sweep by the labels alone: the ledger was on a machine that is gone.
func TestSweepByLabels(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.client.Networks().Create(t.Context(), &vpc.CreateNetworkRequest{FolderId: w.cfg.FolderID, Name: "wlif-production"})
	if err != nil {
		t.Fatal(err)
	}
	strangers := w.inventory()
	target, l := w.provisioned()
	w.kube.clusterGone()
	if err := errors.Join(l.Close(), os.RemoveAll(filepath.Dir(l.Path()))); err != nil {
		t.Fatal(err)
	}
	o := provision.SweepOptions{Config: w.cfg, Client: w.client, StateDir: w.stateDir}
	sweep := func(change func(*provision.SweepOptions)) provision.RunSweep {
		t.Helper()
		with := o
		change(&with)
		runs, err := provision.Sweep(t.Context(), with)
		if err != nil || len(runs) != 1 || runs[0].RunID != target.RunID || runs[0].Owner != "tester" || runs[0].Ledger || !runs[0].Labels {
			t.Fatalf("runs %+v, error %v", runs, err)
		}
		return runs[0]
	}
	before := len(w.inventory())
	if r := sweep(func(*provision.SweepOptions) {}); !strings.Contains(r.Skipped, "expires at") || r.Outcome != nil {
		t.Errorf("a run that has not expired: %+v", r)
	}
	later := time.Now().Add(2 * time.Hour)
	if r := sweep(func(o *provision.SweepOptions) { o.Now, o.DryRun = later, true }); r.Skipped != "" || r.Outcome != nil || len(r.Found) != runResources {
		t.Errorf("a dry run: %d found, skipped %q, outcome %v", len(r.Found), r.Skipped, r.Outcome)
	}
	// By name it would be swept where its ledger is; here nobody knows whether it is alive.
	named := func(o *provision.SweepOptions) { o.RunID = target.RunID }
	if r := sweep(named); !strings.Contains(r.Skipped, "may be alive elsewhere until") || !strings.Contains(r.Skipped, "--force") || r.Outcome != nil {
		t.Errorf("a run of another machine that is named: skipped %q, outcome %v", r.Skipped, r.Outcome)
	}
	for name, change := range map[string]func(*provision.SweepOptions){
		"by force":         func(o *provision.SweepOptions) { o.Force = true },
		"after its expiry": func(o *provision.SweepOptions) { o.Now = later },
	} {
		if r := sweep(func(o *provision.SweepOptions) { named(o); change(o); o.DryRun = true }); r.Skipped != "" || len(r.Found) != runResources {
			t.Errorf("named, %s: skipped %q, found %d", name, r.Skipped, len(r.Found))
		}
	}
	if r := sweep(func(o *provision.SweepOptions) { o.Force = true }); r.Skipped == "" {
		t.Error("force alone, without a name, is for nothing")
	}
	if after := len(w.inventory()); after != before {
		t.Errorf("%d resources became %d before anything was swept", before, after)
	}
	if r := sweep(func(o *provision.SweepOptions) { o.Now = later }); r.Outcome == nil || len(r.Outcome.Deleted) != runResources || len(r.Outcome.Left) != 0 {
		t.Errorf("swept: %+v", r.Outcome)
	}
	if left := w.inventory(); !slices.Equal(left, strangers) {
		t.Errorf("left %v, want %v", left, strangers)
	}
	if runs, err := provision.Sweep(t.Context(), o); err != nil || len(runs) != 0 || w.ledgers() != 0 {
		t.Errorf("a second sweep finds %+v and %d ledgers, error %v", runs, w.ledgers(), err)
	}
}

func TestSweepByLedger(t *testing.T) {
	w := newWorld(t, nil)
	target, l := w.provisioned()
	w.kube.clusterGone()
	o := provision.SweepOptions{Config: w.cfg, Client: w.client, StateDir: w.stateDir, RunID: target.RunID}
	if runs, err := provision.Sweep(t.Context(), o); err != nil || len(runs) != 1 || !strings.Contains(runs[0].Skipped, "alive") {
		t.Fatalf("a run that is alive: %+v, error %v", runs, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	other := *w.cfg
	other.FolderID = w.announce.OtherFolderID
	elsewhere := o
	elsewhere.Config = &other
	if runs, err := provision.Sweep(t.Context(), elsewhere); err != nil || len(runs) != 1 || !strings.Contains(runs[0].Skipped, "belongs to folder "+target.FolderID) {
		t.Errorf("a run of another folder: %+v, error %v", runs, err)
	}
	runs, err := provision.Sweep(t.Context(), o)
	if err != nil || len(runs) != 1 || runs[0].Outcome == nil || len(runs[0].Outcome.Left) != 0 || !runs[0].Ledger || !runs[0].Labels {
		t.Errorf("runs %+v, error %v", runs, err)
	}
	w.nothingLeft()
	if _, err := provision.Sweep(t.Context(), provision.SweepOptions{Config: w.cfg, Client: w.client, StateDir: w.stateDir, RunID: "*"}); err == nil {
		t.Error("a run id that is none passes")
	}
}
