package secrets

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/forge"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("A payload", func() {
	propagation := run.Current().Config.Timeouts.Propagation.D()

	It("is the same by REST as by gRPC", check.Decides(conformance.SecretsRESTEqualsGRPC), limit(), restEqualsGRPC)
	It("is that of the version that is asked for", check.Decides(conformance.SecretsPayloadByVersion), limit(), payloadByVersion)
	It("is that of the newest version, or not", check.Decides(conformance.SecretsNewVersionBecomesCurrent), limit(), newVersion)
	It("has binary values byte by byte", check.Decides(conformance.SecretsBinaryValue), limit(), binaryValue)
	It("is refused of a secret that does not exist", check.Decides(conformance.SecretsUnknownSecret), forge.Limit(propagation), unknownSecret)
})

func restEqualsGRPC(ctx SpecContext) {
	want := values{"text": []byte(canary()), "lines": []byte("a\nb\n"), "empty-looking": []byte(" "), "binary": {0, 1, 0xfe, 0xff}}
	secret, err := create(ctx, textEntry("text", string(want["text"])), textEntry("lines", string(want["lines"])),
		textEntry("empty-looking", string(want["empty-looking"])), binaryEntry("binary", want["binary"]))
	check.Prerequisite(err, "making a secret")
	same(ctx, secret, "", secret.GetCurrentVersion().GetId(), want)
}

// payloadByVersion reads both versions by their ids, whichever is the current one.
func payloadByVersion(ctx SpecContext) {
	secret := calling.Secret(ctx, "")
	first := secret.GetCurrentVersion().GetId()
	second := addVersion(ctx, secret, textEntry(calling.CanaryKey, canary()+"-2"))
	same(ctx, secret, first, first, values{calling.CanaryKey: []byte(canary())})
	same(ctx, secret, second, second, values{calling.CanaryKey: []byte(canary() + "-2")})
}

func newVersion(ctx SpecContext) {
	secret := calling.Secret(ctx, "")
	added := addVersion(ctx, secret, textEntry(calling.CanaryKey, canary()+"-2"))
	read, err := run.Current().Cloud.Payloads().Get(ctx, &lockbox.GetPayloadRequest{SecretId: secret.GetId()})
	check.NoError(err, "reading the payload")
	shown, err := run.Current().Cloud.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: secret.GetId()})
	check.NoError(err, "reading the secret")
	which := map[string]string{added: "the added version", secret.GetCurrentVersion().GetId(): "the former version"}
	check.Observe("payload", which[read.GetVersionId()])
	check.Observe("current_version", which[shown.GetCurrentVersion().GetId()])
}

// binaryValue has lengths whose base64 is padded in each way, and bytes that are no
// text.
func binaryValue(ctx SpecContext) {
	want := values{"three": {0xff, 0xfe, 0xfd}, "two": {0xc3, 0x28}, "one": {0}, "text": []byte(canary())}
	var entries []*lockbox.PayloadEntryChange
	for key, value := range want {
		entries = append(entries, binaryEntry(key, value))
	}
	secret, err := create(ctx, entries...)
	check.Prerequisite(err, "making a secret with binary values")
	same(ctx, secret, "", secret.GetCurrentVersion().GetId(), want)
	forms(ctx, secret)
}

// forms demands that what was stored as binary is shown as binary.
func forms(ctx context.Context, secret *lockbox.Secret) {
	GinkgoHelper()
	rest, err := calling.Self(ctx).Read(ctx, secret, "")
	check.NoError(err, "reading the payload by REST")
	for _, e := range rest.Entries {
		if e.BinaryValue == nil {
			Fail("REST shows the binary value of " + e.Key + " as another field than binaryValue")
		}
	}
	grpc, err := run.Current().Cloud.Payloads().Get(ctx, &lockbox.GetPayloadRequest{SecretId: secret.GetId()})
	check.NoError(err, "reading the payload by gRPC")
	for _, e := range grpc.GetEntries() {
		if _, binary := e.GetValue().(*lockbox.Payload_Entry_BinaryValue); !binary {
			Fail("gRPC shows the binary value of " + e.GetKey() + " as another field than binary_value")
		}
	}
}

// unknownSecret asks for an id that nothing has. Whether that is told from a secret
// that one may not read is not documented.
func unknownSecret(ctx SpecContext) {
	account, secret := calling.Shared(ctx), calling.Secret(ctx, "")
	calling.Grant(ctx, account, calling.Viewer, calling.On(secret))
	account.AwaitReads(ctx, secret)
	none := &lockbox.Secret{Id: reversed(secret.GetId())}
	account.Unreadable(ctx, none, "", "there is no secret with that id")
}

// reversed makes of an id one that has its form and names nothing: what is random
// in it is read backwards.
func reversed(id string) string {
	out := []byte(id)
	for i, j := 3, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}
