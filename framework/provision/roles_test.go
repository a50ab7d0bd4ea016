package provision_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// neededFor says which step fails without a role. Roles that creating resources
// does not need are in beside, with what they are for.
var (
	neededFor = map[string][]string{
		"k8s.editor":                                    {provision.StepCluster},
		"iam.serviceAccounts.user":                      {provision.StepCluster},
		"vpc.privateAdmin":                              {provision.StepNetwork},
		"vpc.publicAdmin":                               {provision.StepGateway},
		"vpc.securityGroups.admin":                      {provision.StepSecurityGroup},
		"iam.serviceAccounts.admin":                     {provision.StepClusterSA, provision.StepNodeSA, provision.StepServiceAccount},
		"iam.workloadIdentityFederations.editor":        {provision.StepFederation},
		"iam.workloadIdentityFederations.user":          {provision.StepLink},
		"iam.serviceAccounts.federatedCredentialEditor": {provision.StepLink},
		"lockbox.editor":                                {provision.StepSecret},
		"resource-manager.admin":                        {provision.StepClusterSARoles, provision.StepNodeSARoles, provision.StepRole},
	}
	beside = map[string]string{
		"k8s.cluster-api.cluster-admin": "the cluster's own API, which the mock has on paper only here",
		"billing.accounts.viewer":       "the preflight's look at the billing account",
	}
)

// Each role that the account of a run is said to need is needed: without it, its
// step is refused with PERMISSION_DENIED, and no other one is.
func TestEveryRoleIsNeeded(t *testing.T) {
	for _, role := range mockcloud.OwnerRoles {
		t.Run(role, func(t *testing.T) {
			if beside[role] != "" {
				t.Skip(beside[role])
			}
			w := newWorld(t, nil)
			for _, more := range mockcloud.AreaRoles {
				w.dropOwnRole(more)
			}
			w.dropOwnRole(role)
			var mu sync.Mutex
			failed := map[string]error{}
			_, _, err := w.provision(t.Context(), w.ledger(), func(e provision.Event) {
				mu.Lock()
				defer mu.Unlock()
				if e.Type == provision.StepFailed && cloud.ClassOf(e.Err) != cloud.ClassTransport {
					failed[e.Step] = e.Err
				}
			})
			var refused *cloud.Error
			if !errors.As(err, &refused) || refused.Code != codes.PermissionDenied || refused.RequestID == "" {
				t.Fatalf("want PERMISSION_DENIED with a request id, have %v", err)
			}
			for _, step := range neededFor[role] {
				delete(failed, step)
			}
			if len(failed) > 0 || len(neededFor[role]) == 0 {
				t.Errorf("other steps than %s failed: %v", strings.Join(neededFor[role], ", "), failed)
			}
		})
	}
}

// dropOwnRole takes a role away from the account that the client calls as.
func (w *world) dropOwnRole(role string) {
	w.t.Helper()
	bindings, err := w.client.Folders().ListAccessBindings(w.t.Context(), &access.ListAccessBindingsRequest{ResourceId: w.cfg.FolderID})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range bindings.GetAccessBindings() {
		if b.GetRoleId() != role {
			continue
		}
		op, err := w.client.Folders().UpdateAccessBindings(w.t.Context(), &access.UpdateAccessBindingsRequest{ResourceId: w.cfg.FolderID,
			AccessBindingDeltas: []*access.AccessBindingDelta{{Action: access.AccessBindingAction_REMOVE, AccessBinding: b}}})
		if err == nil {
			err = w.client.Wait(w.t.Context(), "UpdateAccessBindings", op, nil, nil)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		return
	}
	w.t.Fatalf("the account has no role %s to lose", role)
}
