package secrets

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/payload"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/calling"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// limit bounds a spec that makes secrets and waits for a change of one.
func limit() NodeTimeout {
	t := run.Current().Config.Timeouts
	return run.Limit(t.Operation.D(), t.Operation.D(), t.Operation.D(), t.Propagation.D(), t.Propagation.D())
}

// values are those of a version, by key. They are never printed.
type values map[string][]byte

// differences compares key by key.
func (v values) differences(want values) []string {
	var found []string
	for key, value := range want {
		got, has := v[key]
		switch {
		case !has:
			found = append(found, fmt.Sprintf("the key %q is missing", key))
		case string(got) != string(value):
			found = append(found, fmt.Sprintf("the value of %q is not the stored one (%d bytes, stored were %d)", key, len(got), len(value)))
		}
	}
	if len(v) != len(want) {
		found = append(found, fmt.Sprintf("there are %d keys, not %d", len(v), len(want)))
	}
	return found
}

// byREST are the values of a payload that REST gave.
func byREST(p payload.Payload) (values, error) {
	out := values{}
	for _, e := range p.Entries {
		raw, err := e.Bytes()
		if err != nil {
			return nil, err
		}
		out[e.Key] = raw
	}
	return out, nil
}

// byGRPC are likewise those that gRPC gave.
func byGRPC(p *lockbox.Payload) values {
	out := values{}
	for _, e := range p.GetEntries() {
		out[e.GetKey()] = append([]byte(e.GetTextValue()), e.GetBinaryValue()...)
	}
	return out
}

// same demands of both APIs that a version ("" is the current one) has the values.
// id is what it must be named as.
func same(ctx context.Context, secret *lockbox.Secret, version, id string, want values) {
	GinkgoHelper()
	run.Step("reading the payload by REST and by gRPC")
	rest, err := calling.Self(ctx).Read(ctx, secret, version)
	check.NoError(err, "reading the payload by REST")
	got, err := byREST(rest)
	check.NoError(err, "reading the payload that REST gave")
	grpc, err := run.Current().Cloud.Payloads().Get(ctx, &lockbox.GetPayloadRequest{SecretId: secret.GetId(), VersionId: version})
	check.NoError(err, "reading the payload by gRPC")
	var found []string
	for _, d := range got.differences(want) {
		found = append(found, "REST: "+d)
	}
	for _, d := range byGRPC(grpc).differences(want) {
		found = append(found, "gRPC: "+d)
	}
	if rest.VersionID != id {
		found = append(found, fmt.Sprintf("REST: versionId is %q, not %q", rest.VersionID, id))
	}
	if grpc.GetVersionId() != id {
		found = append(found, fmt.Sprintf("gRPC: version_id is %q, not %q", grpc.GetVersionId(), id))
	}
	if len(found) > 0 {
		Fail(fmt.Sprintf("the payload is not what was stored: %q", found))
	}
}

// change makes a call of the service's method and waits for its operation. A
// refusal is the target's failure.
func change(ctx context.Context, method, doing string, call func(lockbox.SecretServiceClient) (*operation.Operation, error)) *operation.Operation {
	GinkgoHelper()
	op, err := try(ctx, method, doing, call)
	check.NoError(err, doing)
	return op
}

func try(ctx context.Context, method, doing string, call func(lockbox.SecretServiceClient) (*operation.Operation, error)) (*operation.Operation, error) {
	run.Step(doing)
	r := run.Current()
	op, err := call(r.Cloud.Secrets())
	if err == nil {
		err = r.Cloud.Wait(ctx, "yandex.cloud.lockbox.v1.SecretService/"+method, op, nil, nil)
	}
	return op, err
}

// addVersion adds one and returns its id.
func addVersion(ctx context.Context, secret *lockbox.Secret, entries ...*lockbox.PayloadEntryChange) string {
	GinkgoHelper()
	op := change(ctx, "AddVersion", "adding a version", func(c lockbox.SecretServiceClient) (*operation.Operation, error) {
		return c.AddVersion(ctx, &lockbox.AddVersionRequest{SecretId: secret.GetId(), PayloadEntries: entries})
	})
	meta := &lockbox.AddVersionMetadata{}
	check.NoError(op.GetMetadata().UnmarshalTo(meta), "reading which version was added")
	return meta.GetVersionId()
}

func canary() string { return run.Current().Canary.Reveal() }

func textEntry(key, value string) *lockbox.PayloadEntryChange { return provision.TextEntry(key, value) }

func binaryEntry(key string, value []byte) *lockbox.PayloadEntryChange {
	return &lockbox.PayloadEntryChange{Key: key, Value: &lockbox.PayloadEntryChange_BinaryValue{BinaryValue: value}}
}

// create makes a secret of the present spec's own with these entries.
func create(ctx context.Context, entries ...*lockbox.PayloadEntryChange) (*lockbox.Secret, error) {
	return run.Current().Fixtures().Secret(ctx, "check", provision.SecretSpec{Entries: entries})
}
