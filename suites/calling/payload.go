package calling

import (
	"context"

	"github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/payload"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// Viewer is the role that reads payloads.
const Viewer = "lockbox.payloadViewer"

// CanaryKey is the entry that Secret plants the run's canary in.
const CanaryKey = "canary"

// Secret makes a secret of the present spec's own in a folder ("" is the run's),
// whose payload must turn up nowhere.
func Secret(ctx context.Context, folder string) *lockbox.Secret {
	ginkgo.GinkgoHelper()
	r := run.Current()
	secret, err := r.Fixtures().Secret(ctx, "check", provision.SecretSpec{
		Folder: folder, Entries: []*lockbox.PayloadEntryChange{provision.TextEntry(CanaryKey, r.Canary.Reveal())}})
	check.Prerequisite(err, "making a secret for the check")
	return secret
}

// Grant gives an account a role.
func Grant(ctx context.Context, a Account, role string, on provision.On) {
	ginkgo.GinkgoHelper()
	run.Step("granting " + role + " on the " + string(on.Kind))
	check.Prerequisite(run.Current().Fixtures().Grant(ctx, a.ID, role, on), "granting the role")
}

// Revoke takes a role away that Grant gave.
func Revoke(ctx context.Context, a Account, role string, on provision.On) {
	ginkgo.GinkgoHelper()
	run.Step("revoking " + role + " on the " + string(on.Kind))
	check.Prerequisite(run.Current().Fixtures().Revoke(ctx, a.ID, role, on), "revoking the role")
}

// On is the present spec's own secret, for Grant and Revoke.
func On(secret *lockbox.Secret) provision.On {
	return provision.On{Kind: provision.OnSecret, ID: secret.GetId()}
}

// Ask makes one request for a payload by REST, bounded by timeout.call.
func Ask(ctx context.Context, request payload.Request) (payload.Answer, error) {
	r := run.Current()
	ctx, cancel := context.WithTimeout(ctx, r.Config.Timeouts.Call.D())
	defer cancel()
	client := &payload.Client{Endpoint: r.Config.PayloadEndpoint, UserAgent: r.Cloud.UserAgent(), HTTP: r.HTTP()}
	return client.Ask(ctx, request)
}

// Read reads a payload by REST, of the current version if none is named.
func (a Account) Read(ctx context.Context, secret *lockbox.Secret, versionID string) (payload.Payload, error) {
	answer, err := Ask(ctx, a.request(secret, versionID))
	if err != nil {
		return payload.Payload{}, err
	}
	return answer.Payload()
}

func (a Account) request(secret *lockbox.Secret, versionID string) payload.Request {
	return payload.Request{SecretID: secret.GetId(), VersionID: versionID, Authorization: payload.Bearer(a.Token.Reveal())}
}

// Reads is a probe for Run.Settle: it holds when the account reads the secret.
func (a Account) Reads(secret *lockbox.Secret) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := a.Read(ctx, secret, "")
		return Judged(err)
	}
}

// Unreadable demands that the account is refused the payload of a version ("" is the
// current one), by REST and by gRPC, as Refused has it.
func (a Account) Unreadable(ctx context.Context, secret *lockbox.Secret, versionID, because string, want ...codes.Code) {
	ginkgo.GinkgoHelper()
	Refuse(func() error {
		_, err := a.Read(ctx, secret, versionID)
		return err
	}, because+" (REST)", want...)
	api := a.API(ctx)
	Refuse(func() error {
		_, err := api.Payloads().Get(ctx, &lockbox.GetPayloadRequest{SecretId: secret.GetId(), VersionId: versionID})
		return err
	}, because+" (gRPC)", want...)
}

// AwaitReads waits until the account reads the secret: the twin of a check that it
// does not, without which the check means nothing.
func (a Account) AwaitReads(ctx context.Context, secret *lockbox.Secret) {
	ginkgo.GinkgoHelper()
	run.Step("the twin: the secret is read with the role")
	check.Prerequisite(run.Current().Settled(ctx, RoleGranted, a.Reads(secret)), "the twin, which differs from the check in the role alone")
}

// What the waits for rights are measured under.
const (
	RoleGranted = "a role is granted"
	RoleRevoked = "a role is revoked"
)
