package provision

import (
	"context"
	"fmt"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// OnKind is a kind of resource that roles can be granted on.
type OnKind string

// The kinds that checks grant roles on.
const (
	OnFolder         OnKind = "folder"
	OnSecret         OnKind = "secret"
	OnFederation     OnKind = "federation"
	OnServiceAccount OnKind = "service account"
	OnKMSKey         OnKind = "KMS key"
)

// On is where a role is granted. A folder's empty id is the run's folder.
type On struct {
	Kind OnKind
	ID   string
}

// updater is the method that all services with access bindings have.
type updater interface {
	UpdateAccessBindings(ctx context.Context, in *access.UpdateAccessBindingsRequest, opts ...grpc.CallOption) (*operation.Operation, error)
}

func (k OnKind) service(c *cloud.Client) (_ updater, method string) {
	const update = "/UpdateAccessBindings"
	switch k {
	case OnSecret:
		return c.Secrets(), "yandex.cloud.lockbox.v1.SecretService" + update
	case OnFederation:
		return c.Federations(), "yandex.cloud.iam.v1.workload.oidc.FederationService" + update
	case OnServiceAccount:
		return c.ServiceAccounts(), "yandex.cloud.iam.v1.ServiceAccountService" + update
	case OnKMSKey:
		return c.SymmetricKeys(), "yandex.cloud.kms.v1.SymmetricKeyService" + update
	default:
		return c.Folders(), methodBindings
	}
}

// rebind changes a role on something that the run made: the role goes with it, and
// has no line of its own in the ledger.
func (f *Fixtures) rebind(ctx context.Context, accountID, role string, on On, grant bool) error {
	action, doing := access.AccessBindingAction_ADD, "granting"
	if !grant {
		action, doing = access.AccessBindingAction_REMOVE, "revoking"
	}
	service, method := on.Kind.service(f.o.Client)
	req := &access.UpdateAccessBindingsRequest{ResourceId: on.ID, AccessBindingDeltas: []*access.AccessBindingDelta{delta(action, accountID, role)}}
	op, err := call(cloud.WithIdempotencyKey(ctx, cloud.NewIdempotencyKey()), func(ctx context.Context) (*operation.Operation, error) {
		return service.UpdateAccessBindings(ctx, req)
	})
	if err == nil {
		err = f.o.Client.Wait(ctx, method, op, nil, nil)
	}
	return cloud.While(err, fmt.Sprintf("%s %s for service account %s on %s %s", doing, role, accountID, on.Kind, on.ID))
}

func delta(action access.AccessBindingAction, accountID, role string) *access.AccessBindingDelta {
	return &access.AccessBindingDelta{Action: action,
		AccessBinding: &access.AccessBinding{RoleId: role, Subject: &access.Subject{Id: accountID, Type: subjectServiceAccount}}}
}
