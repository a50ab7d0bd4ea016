package provision

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Inventory lists what is left of a run in a folder, by label and name: every
// kind that can be listed by folder, and what hangs on the run's service
// accounts. accounts are ids of service accounts of the run that may be gone
// already; their roles on the folder outlive them. A list that fails is an
// error, and what the others found is returned beside it.
func Inventory(ctx context.Context, c *cloud.Client, folder, runID string, accounts ...string) ([]Leftover, error) {
	all, err := ours(ctx, c, folder, map[string][]string{runID: accounts})
	return leftovers(all[runID], folder, nil), err
}

func leftovers(found []Resource, folder string, reasons map[string]string) []Leftover {
	var out []Leftover
	for _, r := range found {
		rec := Record{Kind: r.Kind, Name: r.Name, Parent: r.Parent}
		out = append(out, leftover(r, folder, reasons[rec.key()]))
	}
	return out
}

// ours lists everything of ours in a folder, by run, in the order of kindOrder.
// known are service accounts by run, from ledgers.
func ours(ctx context.Context, c *cloud.Client, folder string, known map[string][]string) (map[string][]Resource, error) {
	found, err := listAll(ctx, func(name string) func(context.Context) ([]Resource, error) {
		list := kinds[name].list
		if list == nil {
			return nil
		}
		return func(ctx context.Context) ([]Resource, error) { return list(ctx, c, folder) }
	})
	byRun := map[string][]Resource{}
	accounts := map[string][]string{}
	for run, ids := range known {
		accounts[run] = slices.Clone(ids)
	}
	for _, r := range found {
		run := RunOf(r.Name, r.Labels)
		if run == "" {
			continue
		}
		byRun[run] = append(byRun[run], r)
		if r.Kind == KindServiceAccount && !slices.Contains(accounts[run], r.ID) {
			accounts[run] = append(accounts[run], r.ID)
		}
	}
	errs := []error{err}
	for run, ids := range accounts {
		for _, id := range ids {
			children, err := listAll(ctx, func(name string) func(context.Context) ([]Resource, error) {
				list := kinds[name].children
				if list == nil {
					return nil
				}
				return func(ctx context.Context) ([]Resource, error) { return list(ctx, c, folder, id) }
			})
			byRun[run] = append(byRun[run], children...)
			errs = append(errs, err)
		}
	}
	for run := range byRun {
		slices.SortStableFunc(byRun[run], func(a, b Resource) int {
			return slices.Index(kindOrder, a.Kind) - slices.Index(kindOrder, b.Kind)
		})
	}
	return byRun, errors.Join(errs...)
}

// listAll runs the lists of all kinds that of has one for, at the same time.
// What is not there has nothing in it.
func listAll(ctx context.Context, of func(kind string) func(context.Context) ([]Resource, error)) ([]Resource, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		found = map[string][]Resource{}
		errs  []error
	)
	for name := range kinds {
		list := of(name)
		if list == nil {
			continue
		}
		wg.Go(func() {
			r, err := list(ctx)
			mu.Lock()
			defer mu.Unlock()
			found[name] = r
			if err != nil && cloud.ClassOf(err) != cloud.ClassNotFound {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	var out []Resource
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[name]...)
	}
	return out, errors.Join(errs...)
}
