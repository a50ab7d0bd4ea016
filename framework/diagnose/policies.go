package diagnose

import (
	"context"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// forbidding are the access policies that forbid federated credentials (docs:
// "Workload identity federations").
var forbidding = []string{"iam.denyServiceAccountFederatedCredentialsCreation", "iam.denyServiceAccountCredentialsCreation"}

// Policies are the access policies that act in a folder, as far as the caller may
// look: an organization's are not among them.
type Policies struct {
	FolderID string
	Bound    []Policy
	Err      error
}

// Policy is an access policy and where it is bound.
type Policy struct{ Template, Where, ID string }

// ReadPolicies looks at what is bound to a folder and its cloud.
func ReadPolicies(ctx context.Context, c *cloud.Client, folderID, cloudID string) Policies {
	p := Policies{FolderID: folderID}
	bound, err := listPolicies(ctx, c.Folders().ListAccessPolicyBindings, folderID)
	if err != nil {
		p.Err = cloud.While(err, "listing the access policies of the folder "+folderID)
		return p
	}
	above, _ := listPolicies(ctx, c.Clouds().ListAccessPolicyBindings, cloudID) // as for roles
	for _, b := range bound {
		p.Bound = append(p.Bound, Policy{b.GetAccessPolicyTemplateId(), "folder", folderID})
	}
	for _, b := range above {
		p.Bound = append(p.Bound, Policy{b.GetAccessPolicyTemplateId(), "cloud", cloudID})
	}
	return p
}

func listPolicies(ctx context.Context, list func(context.Context, *access.ListAccessPolicyBindingsRequest, ...grpc.CallOption) (*access.ListAccessPolicyBindingsResponse, error), id string) ([]*access.AccessPolicyBinding, error) {
	return cloud.All(func(token string) ([]*access.AccessPolicyBinding, string, error) {
		r, err := list(ctx, &access.ListAccessPolicyBindingsRequest{ResourceId: id, PageToken: token})
		return r.GetAccessPolicyBindings(), r.GetNextPageToken(), err
	})
}

// Findings judge them.
func (p Policies) Findings() []Finding {
	const what = "access policies"
	if p.Err != nil {
		return []Finding{blind(what, p.Err)}
	}
	var out []Finding
	for _, b := range p.Bound {
		if slices.Contains(forbidding, b.Template) {
			out = append(out, mistake(what, LinkForbidden, "%s is bound to the %s %s: no service account in it can be linked to a federation", b.Template, b.Where, b.ID).
				saying("Ask whoever administers the %s to unbind %s, or use a service account in a folder where it does not act.", b.Where, b.Template))
		}
	}
	if len(out) == 0 {
		out = append(out, fine(what, "none of the folder %s, or of its cloud as far as is seen, forbids linking", p.FolderID))
	}
	return out
}
