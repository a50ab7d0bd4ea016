package trust

import (
	"context"
	"fmt"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
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

	SecretInactive  = "secret inactive"
	VersionInactive = "secret version not active"
	KeyRoleMissing  = "role on the KMS key missing"
	KeyInactive     = "KMS key not active"
)

// keyRoles let an account decrypt with a key
// (https://yandex.cloud/en/docs/kms/security). The tutorial of encrypted secrets asks
// for the last.
var keyRoles = []string{"kms.keys.decrypter", "kms.admin", "admin", keyRole}

const keyRole = "kms.keys.encrypterDecrypter"

// ExplainPayload says why the service account is refused a secret's payload.
func (q Question) ExplainPayload(ctx context.Context, secretID string) (exchange.Difference, error) {
	secret, err := q.Cloud.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: secretID})
	if err != nil {
		return exchange.Difference{}, cloud.While(err, "reading the secret "+secretID)
	}
	if d, closed := closedSecret(secret); closed {
		return d, nil
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
		has, err := p.grants(ctx, q.ServiceAccountID, payloadRole)
		if err != nil {
			return exchange.Difference{}, err
		}
		if has {
			return q.present(ctx, p.name, secret.GetKmsKeyId()), nil
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
	if has, err := own.grants(ctx, q.ServiceAccountID, payloadRole); err == nil && has {
		missing.Name = RoleElsewhere
		missing.Text = fmt.Sprintf("the service account has %s on %s, and the secret is in the folder %s", payloadRole, own.name, secret.GetFolderId())
	}
	return missing, nil
}

// closedSecret says what is wrong with the secret itself.
func closedSecret(secret *lockbox.Secret) (exchange.Difference, bool) {
	version := secret.GetCurrentVersion()
	switch {
	case secret.GetStatus() != lockbox.Secret_ACTIVE:
		return exchange.Difference{Name: SecretInactive, Text: fmt.Sprintf("the secret %s is %s, and its content cannot be read", secret.GetId(), secret.GetStatus()),
			Remedy: "Activate it: yc lockbox secret activate " + secret.GetId() + "."}, true
	case version.GetStatus() != lockbox.Version_ACTIVE:
		return exchange.Difference{Name: VersionInactive, Text: fmt.Sprintf("the current version %s of the secret %s is %s", version.GetId(), secret.GetId(), version.GetStatus()),
			Remedy: "Add a version: yc lockbox secret add-version " + secret.GetId() + "; or cancel its destruction."}, true
	}
	return exchange.Difference{}, false
}

// present says what is left when the role is there: the key of an encrypted secret.
func (q Question) present(ctx context.Context, where, keyID string) exchange.Difference {
	d := exchange.Difference{
		Name: RolePresent, Text: "the service account has " + payloadRole + " on " + where,
		Remedy: "Wait for the role to take effect, if it was assigned a moment ago.",
	}
	if keyID == "" {
		return d
	}
	d.Text += ", and the secret is encrypted with the KMS key " + keyID
	assign := "Assign " + keyRole + " on that key, too: yc kms symmetric-key add-access-binding " + keyID + " --role " + keyRole + " --service-account-id " + q.ServiceAccountID + "."
	key, err := q.Cloud.SymmetricKeys().Get(ctx, &kms.GetSymmetricKeyRequest{KeyId: keyID})
	if err != nil {
		d.Remedy = assign // it cannot be looked at, and this is what is forgotten most often
		return d
	}
	if key.GetStatus() != kms.SymmetricKey_ACTIVE {
		d.Name, d.Text = KeyInactive, fmt.Sprintf("the KMS key %s that the secret is encrypted with is %s", keyID, key.GetStatus())
		d.Remedy = "Activate it: yc kms symmetric-key update " + keyID + " --status active."
		return d
	}
	places := []place{
		{"the key " + keyID, keyID, q.Cloud.SymmetricKeys().ListAccessBindings},
		{"the key's folder " + key.GetFolderId(), key.GetFolderId(), q.Cloud.Folders().ListAccessBindings},
	}
	for _, p := range places {
		has, err := p.grants(ctx, q.ServiceAccountID, keyRoles...)
		if err != nil {
			d.Remedy = assign
			return d
		}
		if has {
			return d
		}
	}
	d.Name, d.Text = KeyRoleMissing, d.Text+", on which, or on whose folder, it has none of the roles that decrypt"
	d.Remedy = assign
	return d
}

// place is a resource on which roles are assigned.
type place struct {
	name, id string
	list     func(context.Context, *access.ListAccessBindingsRequest, ...grpc.CallOption) (*access.ListAccessBindingsResponse, error)
}

func (p place) grants(ctx context.Context, accountID string, roles ...string) (bool, error) {
	bindings, err := cloud.All(func(token string) ([]*access.AccessBinding, string, error) {
		r, err := p.list(ctx, &access.ListAccessBindingsRequest{ResourceId: p.id, PageToken: token})
		return r.GetAccessBindings(), r.GetNextPageToken(), err
	})
	if err != nil {
		return false, cloud.While(err, "listing the roles on "+p.name)
	}
	return slices.ContainsFunc(bindings, func(b *access.AccessBinding) bool {
		return slices.Contains(roles, b.GetRoleId()) && b.GetSubject().GetId() == accountID
	}), nil
}
