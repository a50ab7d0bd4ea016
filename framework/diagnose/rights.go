package diagnose

import (
	"context"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Role is one that a run's account needs on the folder.
type Role struct {
	ID string
	// In are roles that include it.
	In []string
}

// Roles are those of the README, with roles that are taken to include them, as in the
// mock. Which do on the real cloud was not looked up for each: a finding names them all.
var Roles = []Role{
	{"k8s.editor", []string{"k8s.admin", "editor", "admin"}},
	{"k8s.cluster-api.cluster-admin", []string{"admin"}},
	{"iam.serviceAccounts.admin", []string{"iam.admin", "admin"}},
	{"iam.serviceAccounts.user", []string{"iam.admin", "admin"}},
	{"vpc.privateAdmin", []string{"vpc.admin", "editor", "admin"}},
	{"vpc.publicAdmin", []string{"vpc.admin", "admin"}},
	{"vpc.securityGroups.admin", []string{"vpc.admin", "admin"}},
	{"iam.workloadIdentityFederations.editor", []string{"iam.workloadIdentityFederations.admin", "iam.editor", "iam.admin", "editor", "admin"}},
	{"iam.workloadIdentityFederations.user", []string{"iam.workloadIdentityFederations.admin", "iam.admin", "admin"}},
	{"iam.serviceAccounts.federatedCredentialEditor", []string{"iam.admin", "admin"}},
	{"lockbox.editor", []string{"lockbox.admin", "editor", "admin"}},
	{rolesOfOthers, []string{"admin"}},
}

// rolesOfOthers is the role for giving roles on the folder, and for seeing who has them.
const rolesOfOthers = "resource-manager.admin"

// Rights are the roles that an account is seen to have on a folder and its cloud.
type Rights struct {
	AccountID, FolderID string
	// Held is by whom each role is held: the account, or a group that it may be in.
	Held map[string][]string
	// Err says why the folder's bindings could not be looked at.
	Err error
}

// groups are the type of subjects that stand for others.
const groups = "group"

// ReadRights looks at the bindings on a folder and, as far as the caller may, its cloud.
func ReadRights(ctx context.Context, c *cloud.Client, accountID, folderID, cloudID string) Rights {
	r := Rights{AccountID: accountID, FolderID: folderID, Held: map[string][]string{}}
	bindings, err := listBindings(ctx, c.Folders().ListAccessBindings, folderID)
	if err != nil {
		r.Err = cloud.While(err, "listing the roles on the folder "+folderID)
		return r
	}
	// Whoever may not look there may still have roles there.
	above, _ := listBindings(ctx, c.Clouds().ListAccessBindings, cloudID)
	for _, b := range append(bindings, above...) {
		if s := b.GetSubject(); s.GetId() == accountID || s.GetType() == groups {
			r.Held[b.GetRoleId()] = append(r.Held[b.GetRoleId()], s.GetId())
		}
	}
	return r
}

type lister func(context.Context, *access.ListAccessBindingsRequest, ...grpc.CallOption) (*access.ListAccessBindingsResponse, error)

func listBindings(ctx context.Context, list lister, id string) ([]*access.AccessBinding, error) {
	return cloud.All(func(token string) ([]*access.AccessBinding, string, error) {
		r, err := list(ctx, &access.ListAccessBindingsRequest{ResourceId: id, PageToken: token})
		return r.GetAccessBindings(), r.GetNextPageToken(), err
	})
}

// Findings judge them, role by role. An account without any role of its own has
// those that it reads the folder with from elsewhere: nothing is known then.
func (r Rights) Findings() []Finding {
	if r.AccountID == "" {
		return []Finding{unseen("roles", "nobody says whose; give --account ID (`yc iam whoami` prints yours)")}
	}
	switch {
	case cloud.ClassOf(r.Err) == cloud.ClassPermission:
		// Whoever may change roles may list them.
		return []Finding{r.lacks(Role{ID: rolesOfOthers}), unseen("other roles", r.Err.Error())}
	case r.Err != nil:
		return []Finding{blind("roles", r.Err)}
	}
	own := false
	for _, holders := range r.Held {
		own = own || slices.Contains(holders, r.AccountID)
	}
	var out []Finding
	for _, role := range Roles {
		out = append(out, r.judge(role, own))
	}
	return out
}

func (r Rights) judge(role Role, own bool) Finding {
	what, group := "role "+role.ID, false
	for _, id := range append([]string{role.ID}, role.In...) {
		if slices.Contains(r.Held[id], r.AccountID) {
			return fine(what, "the account %s has %s", r.AccountID, id)
		}
		group = group || len(r.Held[id]) > 0
	}
	switch {
	case group:
		return unseen(what, "a group has it; whether the account "+r.AccountID+" is in the group is not seen from here")
	case !own:
		return unseen(what, "the account "+r.AccountID+" has no role on the folder or, as far as is seen, its cloud; what it may do it may by a group or the organization")
	}
	return r.lacks(role)
}

func (r Rights) lacks(role Role) Finding {
	return mistake("role "+role.ID, RoleMissing, "the account %s has none of %s on the folder %s or, as far as is seen, its cloud",
		r.AccountID, strings.Join(append([]string{role.ID}, role.In...), ", "), r.FolderID).
		saying("yc resource-manager folder add-access-binding %s --role %s --subject TYPE:%s (TYPE is serviceAccount or userAccount); README says what each role is for.", r.FolderID, role.ID, r.AccountID)
}
