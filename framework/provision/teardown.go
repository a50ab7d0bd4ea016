package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Teardown deletes what the ledger says was created, then takes the inventory.
// It has a budget of its own (timeout.teardown) and goes on when ctx is
// cancelled: an interrupt is the very moment it is for. When nothing is left the
// ledger's file is removed. The error joins what could not be deleted or listed;
// Outcome.Left is what is still there.
func Teardown(ctx context.Context, o TeardownOptions) (Outcome, error) {
	limit := o.Config.Timeouts.Teardown.D()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit, &TimeoutError{Step: "the teardown", After: limit, Key: "timeout.teardown"})
	defer cancel()
	return clearRun(ctx, o, o.Ledger.Live())
}

// clearRun deletes records, which may hold more than the ledger does.
func clearRun(ctx context.Context, o TeardownOptions, records []Record) (Outcome, error) {
	began := time.Now()
	h := o.Ledger.Header()
	m := &remover{client: o.Client, folder: h.FolderID, timeouts: o.Config.Timeouts, storage: o.Config.StorageEndpoint, dial: o.Dial, internal: o.Config.InternalEndpoint, gone: o.Ledger.Deleted}
	spans, err := m.run(ctx, records, Usual(o.Config), o.On)
	found, listErr := ours(ctx, o.Client, foldersOf(h.FolderID, records), map[string][]string{h.RunID: accountsOf(records)})
	namespaces, nsErr := m.namespaces(ctx, h.RunID, records)
	left := leftovers(append(namespaces, found[h.RunID]...), m.reasons)
	out := Outcome{Deleted: m.deleted, Left: left, Spans: spans, Took: time.Since(began)}
	err = errors.Join(err, listErr, nsErr)
	if err == nil && len(left) == 0 {
		err = o.Ledger.Finish()
	}
	if err != nil {
		err = fmt.Errorf("tearing down run %s: %w", h.RunID, err)
	}
	return out, err
}

// namespaces lists the run's namespaces in the clusters that stay. Where nobody
// can look, those are left that could not be deleted.
func (m *remover) namespaces(ctx context.Context, runID string, records []Record) ([]Resource, error) {
	var out []Resource
	var errs []error
	var asked []string
	for _, r := range records {
		if r.Kind != KindNamespace || slices.Contains(asked, r.Parent) || goesWithCluster(r, records) {
			continue
		}
		k, err := m.kube(ctx, r.Parent)
		if err != nil {
			if _, failed := m.reasons[r.key()]; failed {
				out = append(out, r.resource())
			}
			continue
		}
		asked = append(asked, r.Parent)
		names, err := k.Namespaces(ctx, LabelRun, runID)
		errs = append(errs, err)
		for _, name := range names {
			out = append(out, Resource{Kind: KindNamespace, ID: name, Name: name, Parent: r.Parent})
		}
	}
	return out, errors.Join(errs...)
}

// accountsOf collects the service accounts that records name.
func accountsOf(records []Record) []string {
	var out []string
	add := func(id string) {
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for _, r := range records {
		switch r.Kind {
		case KindServiceAccount:
			add(r.ID)
		case KindAccessBinding, KindCredential:
			add(r.Parent)
		}
	}
	return out
}
