package mockcloud

import (
	"testing"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	iamsvc "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	resourcemanagerpb "github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/resourcemanager"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// What is bound to a folder or to its cloud forbids links to the accounts in it.
func TestAccessPoliciesForbidLinks(t *testing.T) {
	c := start(t)
	w := c.World()
	if err := c.grant(state.Ref{Type: resourcemanager.KindCloud, ID: w.CloudID}, w.Owner, "resource-manager.admin"); err != nil {
		t.Fatal(err)
	}
	conn := c.as(t, w.Owner)
	op, err := iamsvc.NewServiceAccountServiceClient(conn).Create(t.Context(), &iamsvc.CreateServiceAccountRequest{FolderId: w.FolderID, Name: "sa"})
	account := must[*iamsvc.ServiceAccount](t, op, err)
	op, err = oidc.NewFederationServiceClient(conn).Create(t.Context(), &oidc.CreateFederationRequest{FolderId: w.FolderID, Name: "fed", Issuer: "https://i", JwksUrl: "https://i/j", Audiences: []string{"a"}})
	federation := must[*oidc.Federation](t, op, err)
	link := func(subject string) error {
		_, err := workload.NewFederatedCredentialServiceClient(conn).Create(t.Context(), &workload.CreateFederatedCredentialRequest{
			ServiceAccountId: account.Id, FederationId: federation.Id, ExternalSubjectId: subject})
		return err
	}
	type policies interface {
		list(id string) (*accesspb.ListAccessPolicyBindingsResponse, error)
		bind(*accesspb.BindAccessPolicyRequest) error
		unbind(*accesspb.UnbindAccessPolicyRequest) error
	}
	for i, tc := range []struct {
		title, id, policy string
		on                policies
		forbidden         bool
	}{
		{"folder", w.FolderID, "iam.denyServiceAccountFederatedCredentialsCreation", folderPolicies{t, resourcemanagerpb.NewFolderServiceClient(conn)}, true},
		{"folder, all credentials", w.FolderID, "iam.denyServiceAccountCredentialsCreation", folderPolicies{t, resourcemanagerpb.NewFolderServiceClient(conn)}, true},
		{"cloud", w.CloudID, "iam.denyServiceAccountFederatedCredentialsCreation", cloudPolicies{t, resourcemanagerpb.NewCloudServiceClient(conn)}, true},
		{"another folder", w.OtherFolderID, "iam.denyServiceAccountFederatedCredentialsCreation", folderPolicies{t, resourcemanagerpb.NewFolderServiceClient(conn)}, false},
		{"another policy", w.FolderID, "iam.denyServiceAccountAPIKeysCreation", folderPolicies{t, resourcemanagerpb.NewFolderServiceClient(conn)}, false},
	} {
		t.Run(tc.title, func(t *testing.T) {
			if err := tc.on.bind(&accesspb.BindAccessPolicyRequest{ResourceId: tc.id, AccessPolicyBinding: &accesspb.AccessPolicyBinding{AccessPolicyTemplateId: tc.policy}}); err != nil {
				t.Fatal(err)
			}
			if list, err := tc.on.list(tc.id); err != nil || len(list.AccessPolicyBindings) != 1 || list.AccessPolicyBindings[0].AccessPolicyTemplateId != tc.policy {
				t.Errorf("bound: %v, %v", list, err)
			}
			err := link("sub-" + string(rune('a'+i)))
			if (status.Code(err) == codes.PermissionDenied) != tc.forbidden || !tc.forbidden && err != nil {
				t.Errorf("linking: %v", err)
			}
			if tc.forbidden {
				c.wantReason(t, err, "api/access-policy")
			}
			if err := tc.on.unbind(&accesspb.UnbindAccessPolicyRequest{ResourceId: tc.id, AccessPolicyTemplateId: tc.policy}); err != nil {
				t.Fatal(err)
			}
			if err := link("after-" + string(rune('a'+i))); err != nil {
				t.Errorf("linking afterwards: %v", err)
			}
		})
	}
}

type folderPolicies struct {
	t *testing.T
	resourcemanagerpb.FolderServiceClient
}

func (p folderPolicies) list(id string) (*accesspb.ListAccessPolicyBindingsResponse, error) {
	return p.ListAccessPolicyBindings(p.t.Context(), &accesspb.ListAccessPolicyBindingsRequest{ResourceId: id})
}

func (p folderPolicies) bind(r *accesspb.BindAccessPolicyRequest) error {
	_, err := p.BindAccessPolicy(p.t.Context(), r)
	return err
}

func (p folderPolicies) unbind(r *accesspb.UnbindAccessPolicyRequest) error {
	_, err := p.UnbindAccessPolicy(p.t.Context(), r)
	return err
}

type cloudPolicies struct {
	t *testing.T
	resourcemanagerpb.CloudServiceClient
}

func (p cloudPolicies) list(id string) (*accesspb.ListAccessPolicyBindingsResponse, error) {
	return p.ListAccessPolicyBindings(p.t.Context(), &accesspb.ListAccessPolicyBindingsRequest{ResourceId: id})
}

func (p cloudPolicies) bind(r *accesspb.BindAccessPolicyRequest) error {
	_, err := p.BindAccessPolicy(p.t.Context(), r)
	return err
}

func (p cloudPolicies) unbind(r *accesspb.UnbindAccessPolicyRequest) error {
	_, err := p.UnbindAccessPolicy(p.t.Context(), r)
	return err
}
