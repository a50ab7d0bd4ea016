package provision

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Inventory lists what is left of a run in folders, by label and name: every
// kind that can be listed by folder, and what hangs on the run's service
// accounts. accounts are ids of service accounts of the run that may be gone
// already; their roles on a folder outlive them. A list that fails is an error,
// and what the others found is returned beside it.
func Inventory(ctx context.Context, c *cloud.Client, folders []string, runID string, accounts ...string) ([]Leftover, error) {
	all, err := ours(ctx, c, folders, map[string][]string{runID: accounts})
	return leftovers(all[runID], nil), err
}

func leftovers(found []Resource, reasons map[string]string) []Leftover {
	var out []Leftover
	for _, r := range found {
		rec := Record{Kind: r.Kind, Name: r.Name, Parent: r.Parent}
		out = append(out, leftover(r, reasons[rec.key()]))
	}
	return out
}

// foldersOf are the folder of a run and those that its records name beside it.
func foldersOf(folder string, records []Record) []string {
	out := []string{folder}
	for _, r := range records {
		if r.FolderID != "" && !slices.Contains(out, r.FolderID) {
			out = append(out, r.FolderID)
		}
	}
	return out
}

// ours lists everything of ours in folders, by run, in the order of kindOrder.
// known are service accounts by run, from ledgers.
func ours(ctx context.Context, c *cloud.Client, folders []string, known map[string][]string) (map[string][]Resource, error) {
	byRun := map[string][]Resource{}
	accounts := map[string][]string{}
	for run, ids := range known {
		accounts[run] = slices.Clone(ids)
	}
	var errs []error
	for _, folder := range folders {
		found, err := listAll(ctx, folder, func(name string) func(context.Context) ([]Resource, error) {
			list := kinds[name].list
			if list == nil {
				return nil
			}
			return func(ctx context.Context) ([]Resource, error) { return list(ctx, c, folder) }
		})
		errs = append(errs, err)
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
	}
	for run, ids := range accounts {
		children, err := childrenOf(ctx, c, folders, ids)
		byRun[run] = append(byRun[run], children...)
		errs = append(errs, err)
	}
	for run := range byRun {
		slices.SortStableFunc(byRun[run], func(a, b Resource) int {
			return slices.Index(kindOrder, a.Kind) - slices.Index(kindOrder, b.Kind)
		})
	}
	return byRun, errors.Join(errs...)
}

// childrenOf lists what hangs on service accounts, each once: some lists know no folder.
func childrenOf(ctx context.Context, c *cloud.Client, folders, accounts []string) ([]Resource, error) {
	var out []Resource
	var errs []error
	for _, id := range accounts {
		for i, folder := range folders {
			found, err := listAll(ctx, folder, func(name string) func(context.Context) ([]Resource, error) {
				k := kinds[name]
				if k.children == nil || i > 0 && !k.byFolder {
					return nil
				}
				return func(ctx context.Context) ([]Resource, error) { return k.children(ctx, c, folder, id) }
			})
			out = append(out, found...)
			errs = append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}

// nothingThere reports whether a refused list means an empty one: what is not
// there has nothing in it, and who may not list an optional kind has made none.
func nothingThere(k kind, err error) bool {
	class := cloud.ClassOf(err)
	return class == cloud.ClassNotFound || k.optional && class == cloud.ClassPermission
}

// listAll runs the lists of a folder of all kinds that of has one for, at the same time.
func listAll(ctx context.Context, folder string, of func(kind string) func(context.Context) ([]Resource, error)) ([]Resource, error) {
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
			for i := range r {
				r[i].Folder = folder
			}
			found[name] = r
			if err != nil && !nothingThere(kinds[name], err) {
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
