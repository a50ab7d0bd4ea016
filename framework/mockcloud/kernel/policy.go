package kernel

import (
	"context"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

const kindFolder = "resource-manager.folder"

// FoldersOf are the folders that resources lie in. What is not there lies in none.
func (k *Kernel) FoldersOf(refs ...state.Ref) []string {
	var out []string
	for _, ref := range refs {
		for _, in := range k.Decider.Chain(ref) {
			if _, ok := k.Store.Find(in); ok && in.Type == kindFolder {
				out = append(out, in.ID)
			}
		}
	}
	return out
}

// BugsOn are the bugs that act at present on what concerns resources: those of
// their folders.
func (k *Kernel) BugsOn(refs ...state.Ref) bugs.Set {
	return k.Settings.BugsIn(k.FoldersOf(refs...)...)
}

// BugsOfCall are the bugs that act on a call with these needs. A call that names
// nothing that is there concerns the folder of the account that makes it.
func (k *Kernel) BugsOfCall(needs []access.Need, caller access.Subject) bugs.Set {
	refs := make([]state.Ref, len(needs))
	for i, need := range needs {
		refs[i] = need.On
	}
	folders := k.FoldersOf(refs...)
	if len(folders) == 0 && caller.Type == access.ServiceAccount {
		folders = k.FoldersOf(state.Ref{Type: "iam.serviceAccount", ID: caller.ID})
	}
	return k.Settings.BugsIn(folders...)
}

// PolicyOf is a service's policy for the call in ctx: the strict one, as the bugs
// that act on the call change it.
func PolicyOf[P any](ctx context.Context, strict P, table map[string]func(*P)) P {
	bugs.Apply(CallOf(ctx).Bugs, table, &strict)
	return strict
}

// PolicyOn is a service's policy for what concerns resources outside a call.
func PolicyOn[P any](k *Kernel, strict P, table map[string]func(*P), refs ...state.Ref) P {
	bugs.Apply(k.BugsOn(refs...), table, &strict)
	return strict
}
