package access

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("The payload of a secret", func() {
	It("is not read without a role", check.Decides(conformance.AccessNoRole), limit(), noRole)
	It("is not read by a role on another folder", check.Decides(conformance.AccessRoleOnOtherFolder), limit(), roleOnOtherFolder)
	It("is not read by a role that was revoked", check.Decides(conformance.AccessRoleRevoked), limit(), roleRevoked)
	It("is not read by another account's role", check.Decides(conformance.AccessTokenOfOtherSA), limit(), tokenOfOtherAccount)
	It("is not changed by who may view it", check.Decides(conformance.AccessViewerCannotWrite), limit(), viewerCannotWrite)
	It("is read by a role on the folder", check.Decides(conformance.AccessRoleOnFolder), limit(), roleOnFolder)
	It("is read by a role on the secret", check.Decides(conformance.AccessRoleOnSecret), limit(), roleOnSecret)
})

// limit bounds a spec that waits for a link, and for two changes of rights.
func limit() NodeTimeout {
	t := run.Current().Config.Timeouts
	return forge.Limit(t.Operation.D(), t.Operation.D(), t.Propagation.D(), t.Propagation.D(), t.Propagation.D())
}

// denied demands that an account is refused the payload for want of a right.
func denied(ctx context.Context, a calling.Account, secret *lockbox.Secret, because string) {
	GinkgoHelper()
	a.Unreadable(ctx, secret, "", because, codes.PermissionDenied)
}

// refusesRead is a probe that holds when the account is refused the payload.
func refusesRead(a calling.Account, secret *lockbox.Secret) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := a.Read(ctx, secret, "")
		return calling.Refusal(err, codes.PermissionDenied)
	}
}

// onFolder is the run's folder, or another one.
func onFolder(id string) provision.On { return provision.On{Kind: provision.OnFolder, ID: id} }

func noRole(ctx SpecContext) {
	account, secret := calling.Shared(ctx), calling.Secret(ctx, "")
	denied(ctx, account, secret, "the service account has no role")
	calling.Grant(ctx, account, calling.Viewer, calling.On(secret))
	account.AwaitReads(ctx, secret)
}

// roleOnOtherFolder gives the role where a secret shows that it is in force, and
// looks at a secret elsewhere.
func roleOnOtherFolder(ctx SpecContext) {
	other := run.Current().Config.OtherFolderID
	account, here, there := calling.Own(ctx), calling.Secret(ctx, ""), calling.Secret(ctx, other)
	calling.Grant(ctx, account, calling.Viewer, onFolder(other))
	account.AwaitReads(ctx, there)
	denied(ctx, account, here, "the role is on another folder")
	calling.Grant(ctx, account, calling.Viewer, onFolder(""))
	account.AwaitReads(ctx, here)
}

func roleRevoked(ctx SpecContext) {
	account, secret := calling.Own(ctx), calling.Secret(ctx, "")
	calling.Grant(ctx, account, calling.Viewer, onFolder(""))
	account.AwaitReads(ctx, secret)
	calling.Revoke(ctx, account, calling.Viewer, onFolder(""))
	run.Step("refused: the role was revoked")
	run.Current().Settle(ctx, calling.RoleRevoked, refusesRead(account, secret))
	denied(ctx, account, secret, "the role was revoked")
}

func tokenOfOtherAccount(ctx SpecContext) {
	entitled, other, secret := calling.Shared(ctx), calling.Own(ctx), calling.Secret(ctx, "")
	calling.Grant(ctx, entitled, calling.Viewer, calling.On(secret))
	entitled.AwaitReads(ctx, secret)
	denied(ctx, other, secret, "the IAM token is of another service account than the one with the role")
}

// viewerCannotWrite has the role on the folder, so that nothing but its kind is in
// the way.
func viewerCannotWrite(ctx SpecContext) {
	r := run.Current()
	account, secret := calling.Own(ctx), calling.Secret(ctx, "")
	calling.Grant(ctx, account, calling.Viewer, onFolder(""))
	account.AwaitReads(ctx, secret)
	api := account.API(ctx)
	add := &lockbox.AddVersionRequest{SecretId: secret.GetId(), PayloadEntries: []*lockbox.PayloadEntryChange{provision.TextEntry("more", r.Canary.Reveal())}}
	run.Step("the twin: an account that may write adds a version")
	_, err := r.Cloud.Secrets().AddVersion(ctx, add)
	check.Prerequisite(err, "the twin, which differs from the check in the account alone")
	for _, tc := range []struct {
		what string
		call func() error
	}{
		{"adding a version", func() error {
			_, err := api.Secrets().AddVersion(ctx, add)
			return err
		}},
		{"changing the description", func() error {
			_, err := api.Secrets().Update(ctx, &lockbox.UpdateSecretRequest{SecretId: secret.GetId(), Description: "changed",
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}}})
			return err
		}},
		{"deactivating the secret", func() error {
			_, err := api.Secrets().Deactivate(ctx, &lockbox.DeactivateSecretRequest{SecretId: secret.GetId()})
			return err
		}},
		{"making a secret", func() error {
			_, err := r.Fixtures().As(api).Secret(ctx, "viewers", provision.SecretSpec{Entries: add.GetPayloadEntries()})
			return err
		}},
		{"deleting the secret", func() error {
			_, err := api.Secrets().Delete(ctx, &lockbox.DeleteSecretRequest{SecretId: secret.GetId()})
			return err
		}},
	} {
		calling.Refuse(tc.call, tc.what+" needs another role than "+calling.Viewer, codes.PermissionDenied)
	}
}

func roleOnFolder(ctx SpecContext) {
	account, secret := calling.Own(ctx), calling.Secret(ctx, "")
	calling.Grant(ctx, account, calling.Viewer, onFolder(""))
	run.Current().Settle(ctx, calling.RoleGranted, account.Reads(secret))
	readsByBoth(ctx, account, secret)
}

func roleOnSecret(ctx SpecContext) {
	account, secret, other := calling.Shared(ctx), calling.Secret(ctx, ""), calling.Secret(ctx, "")
	calling.Grant(ctx, account, calling.Viewer, calling.On(secret))
	run.Current().Settle(ctx, calling.RoleGranted, account.Reads(secret))
	readsByBoth(ctx, account, secret)
	calling.Refuse(func() error {
		_, err := account.Read(ctx, other, "")
		return err
	}, "the role is on another secret", codes.PermissionDenied)
}

// readsByBoth demands that the payload is what was planted, by REST and by gRPC.
func readsByBoth(ctx context.Context, a calling.Account, secret *lockbox.Secret) {
	GinkgoHelper()
	planted := run.Current().Canary.Reveal()
	read, err := a.Read(ctx, secret, "")
	check.NoError(calling.Judged(err), "reading the payload by REST")
	got, err := read.Entries[0].Bytes()
	if err == nil && string(got) != planted {
		err = errors.New("the value is not the one that was stored")
	}
	check.NoError(err, "comparing the payload that REST gave")
	answer, err := a.API(ctx).Payloads().Get(ctx, &lockbox.GetPayloadRequest{SecretId: secret.GetId()})
	check.NoError(calling.Judged(err), "reading the payload by gRPC")
	if len(answer.GetEntries()) != 1 || answer.GetEntries()[0].GetTextValue() != planted {
		Fail("the payload that gRPC gave is not the one that was stored")
	}
}
