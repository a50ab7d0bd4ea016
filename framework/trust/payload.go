package trust

import (
	"context"
	"fmt"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

// payloadRole opens secrets (https://yandex.cloud/en/docs/lockbox/security).
const payloadRole = "lockbox.payloadViewer"

// Names of the reasons why an account may not read a payload.
const (
	RoleElsewhere = "role on another folder"
	RoleMissing   = "role missing"
	RolePresent   = "role present"
)

// ExplainPayload says why the service account is refused a secret's payload.
func (q Question) ExplainPayload(ctx context.Context, secretID string) (exchange.Difference, error) {
	secret, err := q.Cloud.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: secretID})
	if err != nil {
		return exchange.Difference{}, cloud.While(err, "reading the secret "+secretID)
	}
	account, err := q.Cloud.ServiceAccounts().Get(ctx, &iam.GetServiceAccountRequest{ServiceAccountId: q.ServiceAccountID})
	if err != nil {
		return exchange.Difference{}, cloud.While(err, "reading the service account "+q.ServiceAccountID)
	}
	places := []place{
		{"the secret " + secretID, secretID, q.Cloud.Secrets().ListAccessBindings},
		{"the secret's folder " + secret.GetFolderId(), secret.GetFolderId(), q.Cloud.Folders().ListAccessBindings},
	}
	for _, p := range places {
		has, err := p.grants(ctx, q.ServiceAccountID)
		if err != nil {
			return exchange.Difference{}, err
		}
		if has {
			return present(p.name, secret.GetKmsKeyId()), nil
		}
	}
	missing := exchange.Difference{
		Name: RoleMissing, Text: fmt.Sprintf("the service account %s has %s neither on %s nor on %s", q.ServiceAccountID, payloadRole, places[0].name, places[1].name),
		Remedy: "Assign " + payloadRole + " on the secret or on its folder.",
	}
	if account.GetFolderId() == secret.GetFolderId() {
		return missing, nil
	}
	own := place{"the service account's own folder " + account.GetFolderId(), account.GetFolderId(), q.Cloud.Folders().ListAccessBindings}
	// Without the right to look there, the role is missing all the same.
	if has, err := own.grants(ctx, q.ServiceAccountID); err == nil && has {
		missing.Name = RoleElsewhere
		missing.Text = fmt.Sprintf("the service account has %s on %s, and the secret is in the folder %s", payloadRole, own.name, secret.GetFolderId())
	}
	return missing, nil
}

// present says what is left when the role is there.
func present(where, key string) exchange.Difference {
	d := exchange.Difference{
		Name: RolePresent, Text: "the service account has " + payloadRole + " on " + where,
		Remedy: "Wait for the role to take effect, if it was assigned a moment ago.",
	}
	if key != "" {
		d.Text += ", and the secret is encrypted with the KMS key " + key
		d.Remedy = "Assign kms.keys.encrypterDecrypter on that key, too."
	}
	return d
}

// place is a resource on which roles are assigned.
type place struct {
	name, id string
	list     func(context.Context, *access.ListAccessBindingsRequest, ...grpc.CallOption) (*access.ListAccessBindingsResponse, error)
}

func (p place) grants(ctx context.Context, accountID string) (bool, error) {
	bindings, err := cloud.All(func(token string) ([]*access.AccessBinding, string, error) {
		r, err := p.list(ctx, &access.ListAccessBindingsRequest{ResourceId: p.id, PageToken: token})
		return r.GetAccessBindings(), r.GetNextPageToken(), err
	})
	if err != nil {
		return false, cloud.While(err, "listing the roles on "+p.name)
	}
	return slices.ContainsFunc(bindings, func(b *access.AccessBinding) bool {
		return b.GetRoleId() == payloadRole && b.GetSubject().GetId() == accountID
	}), nil
}
