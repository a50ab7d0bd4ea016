package mockcloud

import (
	"slices"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/billing"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/operation"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/resourcemanager"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// born are the kinds that users do not make, or that are no resources.
var born = []string{operation.Kind, resourcemanager.KindCloud, iam.KindUser, billing.KindAccount}

// Inventory lists what users made and is still there.
func (c *Cloud) Inventory() []state.Meta {
	return slices.DeleteFunc(c.kernel.Store.Inventory(), func(m state.Meta) bool {
		return slices.Contains(born, m.Type) || m.ID == c.world.FolderID || m.ID == c.world.OtherFolderID
	})
}

// InFolder keeps of resources and bindings those that belong to a folder; the folder
// itself does not.
func (c *Cloud) InFolder(folder string, resources []state.Meta, bindings []access.Bound) ([]state.Meta, []access.Bound) {
	in := func(ref state.Ref) bool { return slices.Contains(c.kernel.FoldersOf(ref), folder) }
	resources = slices.DeleteFunc(resources, func(m state.Meta) bool { return m.ID == folder || !in(state.Ref{Type: m.Type, ID: m.ID}) })
	bindings = slices.DeleteFunc(bindings, func(b access.Bound) bool {
		kind, id, _ := strings.Cut(b.Resource, "/")
		return !in(state.Ref{Type: kind, ID: id})
	})
	return resources, bindings
}

// Granted lists the access bindings that users made and are still there.
func (c *Cloud) Granted() []access.Bound {
	return slices.DeleteFunc(c.kernel.Bindings.All(), func(b access.Bound) bool { return b.Binding.Subject == c.world.Owner })
}
