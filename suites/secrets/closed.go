package secrets

import (
	"context"
	"errors"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A payload", func() {
	t := run.Current().Config.Timeouts

	It("is refused while the secret is inactive", check.Decides(conformance.SecretsInactiveSecret), limit(), inactiveSecret)
	It("is read once the secret is active again", check.Decides(conformance.SecretsReactivatedSecret), limit(), reactivatedSecret)
	It("is refused of a version that is destroyed", check.Decides(conformance.SecretsDestroyedVersion), limit(), destroyedVersion)
	It("needs a role for the KMS key", check.Decides(conformance.SecretsKMSRoleNeeded),
		forge.Limit(t.Operation.D(), t.Operation.D(), t.Propagation.D(), t.Propagation.D(), t.Propagation.D()), kmsRoleNeeded)
})

func deactivate(ctx context.Context, secret *lockbox.Secret) {
	GinkgoHelper()
	change(ctx, "Deactivate", "deactivating the secret", func(c lockbox.SecretServiceClient) (*operation.Operation, error) {
		return c.Deactivate(ctx, &lockbox.DeactivateSecretRequest{SecretId: secret.GetId()})
	})
}

// status demands that the secret's metadata is readable and shows a status.
func status(ctx context.Context, secret *lockbox.Secret, want lockbox.Secret_Status) {
	GinkgoHelper()
	shown, err := run.Current().Cloud.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: secret.GetId()})
	check.NoError(err, "reading the secret's metadata")
	Expect(shown.GetStatus()).To(Equal(want), "the secret's status")
}

// twin demands that the run's own account reads a version.
func twin(ctx context.Context, secret *lockbox.Secret, version string) calling.Account {
	GinkgoHelper()
	run.Step("the twin: the payload is read before the change")
	self := calling.Self(ctx)
	_, err := self.Read(ctx, secret, version)
	check.Prerequisite(err, "the twin, which differs from the check in the one change alone")
	return self
}

// closed demands that a version cannot be read any more, by REST and by gRPC.
func closed(ctx context.Context, what string, self calling.Account, secret *lockbox.Secret, version string) {
	GinkgoHelper()
	run.Current().Settle(ctx, what, func(ctx context.Context) error {
		_, err := self.Read(ctx, secret, version)
		return calling.Refusal(err)
	})
	self.Unreadable(ctx, secret, version, what)
}

func inactiveSecret(ctx SpecContext) {
	secret := calling.Secret(ctx, "")
	self := twin(ctx, secret, "")
	deactivate(ctx, secret)
	closed(ctx, "a deactivated secret is closed", self, secret, "")
	status(ctx, secret, lockbox.Secret_INACTIVE)
}

func reactivatedSecret(ctx SpecContext) {
	secret := calling.Secret(ctx, "")
	deactivate(ctx, secret)
	change(ctx, "Activate", "activating the secret", func(c lockbox.SecretServiceClient) (*operation.Operation, error) {
		return c.Activate(ctx, &lockbox.ActivateSecretRequest{SecretId: secret.GetId()})
	})
	status(ctx, secret, lockbox.Secret_ACTIVE)
	run.Current().Settle(ctx, "a secret is activated", calling.Self(ctx).Reads(secret))
	same(ctx, secret, "", secret.GetCurrentVersion().GetId(), values{calling.CanaryKey: []byte(canary())})
}

// pending is how long before its destruction a version may still be saved. The
// documentation has no minimum.
const pending = time.Second

// destroyedVersion destroys a version that is not the current one. What becomes of
// its payload while it only is scheduled for destruction is not documented.
func destroyedVersion(ctx SpecContext) {
	secret := calling.Secret(ctx, "")
	doomed := secret.GetCurrentVersion().GetId()
	current := addVersion(ctx, secret, textEntry(calling.CanaryKey, canary()+"-2"))
	self := twin(ctx, secret, doomed)
	_, err := try(ctx, "ScheduleVersionDestruction", "scheduling the former version's destruction", func(c lockbox.SecretServiceClient) (*operation.Operation, error) {
		return c.ScheduleVersionDestruction(ctx, &lockbox.ScheduleVersionDestructionRequest{
			SecretId: secret.GetId(), VersionId: doomed, PendingPeriod: durationpb.New(pending)})
	})
	check.Prerequisite(err, "scheduling the destruction of a version in "+pending.String())
	_, err = self.Read(ctx, secret, doomed)
	check.ObserveOutcome("while scheduled for destruction", err, "reading a version that is about to be destroyed")
	run.Step("waiting until the version is destroyed")
	check.Prerequisite(run.Current().Settled(ctx, "a version is destroyed", func(ctx context.Context) error { return isDestroyed(ctx, secret, doomed) }), "destroying a version")
	closed(ctx, "a destroyed version is closed", self, secret, doomed)
	same(ctx, secret, current, current, values{calling.CanaryKey: []byte(canary() + "-2")})
}

func isDestroyed(ctx context.Context, secret *lockbox.Secret, version string) error {
	all, err := cloud.All(func(token string) ([]*lockbox.Version, string, error) {
		r, err := run.Current().Cloud.Secrets().ListVersions(ctx, &lockbox.ListVersionsRequest{SecretId: secret.GetId(), PageToken: token})
		return r.GetVersions(), r.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	for _, v := range all {
		if v.GetId() == version && v.GetStatus() != lockbox.Version_DESTROYED {
			return fmt.Errorf("the version %s is %s", version, v.GetStatus())
		}
	}
	return nil
}

// kmsRoleNeeded has a plain secret beside the encrypted one: where the reader reads
// the plain one, nothing but the role for the key is missing.
func kmsRoleNeeded(ctx SpecContext) {
	f := run.Current().Fixtures()
	account, plain := calling.Own(ctx), calling.Secret(ctx, "")
	key, err := f.KMSKey(ctx, "check")
	check.Prerequisite(err, "making a KMS key for the check")
	encrypted, err := f.Secret(ctx, "encrypted", provision.SecretSpec{KMSKeyID: key, Entries: []*lockbox.PayloadEntryChange{textEntry(calling.CanaryKey, canary())}})
	check.Prerequisite(err, "making a secret that is encrypted with the key")
	calling.Grant(ctx, account, calling.Viewer, provision.On{Kind: provision.OnFolder})
	account.AwaitReads(ctx, plain)
	account.Unreadable(ctx, encrypted, "", "the secret is encrypted with a key for which the reader has no role")
	calling.Grant(ctx, account, "kms.keys.encrypterDecrypter", provision.On{Kind: provision.OnKMSKey, ID: key})
	run.Current().Settle(ctx, calling.RoleGranted, account.Reads(encrypted))
	read, err := account.Read(ctx, encrypted, "")
	check.NoError(calling.Judged(err), "reading the encrypted secret with a role for the key")
	if value, err := read.Entries[0].Bytes(); err != nil || string(value) != canary() {
		check.NoError(errors.New("the value is not the one that was stored"), "reading the encrypted secret with a role for the key")
	}
}
