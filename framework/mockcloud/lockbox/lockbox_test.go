package lockbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	lockboxpb "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gatetest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/lockbox"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// fakeCipher reverses for those who hold the key.
type fakeCipher struct{ holders []access.Subject }

func (f *fakeCipher) Encrypt(caller access.Subject, key string, _, plain []byte) ([]byte, error) {
	if !slices.Contains(f.holders, caller) {
		return nil, status.Error(codes.PermissionDenied, "no right to "+key)
	}
	out := slices.Clone(plain)
	slices.Reverse(out)
	return out, nil
}

func (f *fakeCipher) Decrypt(caller access.Subject, key string, aad, sealed []byte) ([]byte, error) {
	return f.Encrypt(caller, key, aad, sealed)
}

type cloud struct {
	*gatetest.Cloud
	secrets  lockboxpb.SecretServiceClient
	payloads lockboxpb.PayloadServiceClient
	cipher   *fakeCipher
	admin    context.Context
}

func start(t *testing.T) *cloud {
	cipher := &fakeCipher{}
	c := gatetest.Start(t, func(k *kernel.Kernel) []kernel.Service { return lockbox.New(k, cipher).Services() })
	return &cloud{
		Cloud: c, cipher: cipher, admin: c.With("lockbox.admin"),
		secrets: lockboxpb.NewSecretServiceClient(c.Conn), payloads: lockboxpb.NewPayloadServiceClient(c.Conn),
	}
}

func text(key, value string) *lockboxpb.PayloadEntryChange {
	return &lockboxpb.PayloadEntryChange{Key: key, Value: &lockboxpb.PayloadEntryChange_TextValue{TextValue: value}}
}

func binary(key string, value []byte) *lockboxpb.PayloadEntryChange {
	return &lockboxpb.PayloadEntryChange{Key: key, Value: &lockboxpb.PayloadEntryChange_BinaryValue{BinaryValue: value}}
}

func (c *cloud) create(t *testing.T, entries ...*lockboxpb.PayloadEntryChange) *lockboxpb.Secret {
	t.Helper()
	op, err := c.secrets.Create(c.admin, &lockboxpb.CreateSecretRequest{FolderId: c.Folder, Name: "MY_SECRET", VersionPayloadEntries: entries})
	return gatetest.Done[*lockboxpb.Secret](t, op, err)
}

func (c *cloud) values(t *testing.T, req *lockboxpb.GetPayloadRequest) map[string]string {
	t.Helper()
	got, err := c.payloads.Get(c.admin, req)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range got.Entries {
		out[e.Key] = e.GetTextValue() + string(e.GetBinaryValue())
	}
	return out
}

func TestEveryOperationHasTheDescriptorsTypes(t *testing.T) {
	c := start(t)
	secret := c.create(t, text("test-secret", "hello-world"))
	if secret.Status != lockboxpb.Secret_ACTIVE || secret.CurrentVersion.GetStatus() != lockboxpb.Version_ACTIVE ||
		!slices.Equal(secret.CurrentVersion.PayloadEntryKeys, []string{"test-secret"}) || secret.CreatedAt.Nanos%1_000_000 != 0 {
		t.Errorf("created %v", secret)
	}
	first := secret.CurrentVersion.Id
	id := secret.Id

	op, err := c.secrets.Update(c.admin, &lockboxpb.UpdateSecretRequest{SecretId: id, Name: "b", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name", "labels"}}})
	if got := gatetest.Done[*lockboxpb.Secret](t, op, err); got.Name != "b" || got.CurrentVersion.GetId() != first {
		t.Errorf("updated %v", got)
	}
	op, err = c.secrets.Deactivate(c.admin, &lockboxpb.DeactivateSecretRequest{SecretId: id})
	if got := gatetest.Done[*lockboxpb.Secret](t, op, err); got.Status != lockboxpb.Secret_INACTIVE {
		t.Errorf("deactivated %v", got)
	}
	_, err = c.payloads.Get(c.admin, &lockboxpb.GetPayloadRequest{SecretId: id})
	c.Refused(err, codes.FailedPrecondition, "lockbox/inactive")
	op, err = c.secrets.Activate(c.admin, &lockboxpb.ActivateSecretRequest{SecretId: id})
	gatetest.Done[*lockboxpb.Secret](t, op, err)

	op, err = c.secrets.AddVersion(c.admin, &lockboxpb.AddVersionRequest{SecretId: id, PayloadEntries: []*lockboxpb.PayloadEntryChange{binary("bin", []byte{0, 1})}})
	second := gatetest.Done[*lockboxpb.Version](t, op, err)
	op, err = c.secrets.SetCurrentVersion(c.admin, &lockboxpb.SetCurrentVersionRequest{SecretId: id, VersionId: first})
	gatetest.Done[*lockboxpb.Version](t, op, err)
	op, err = c.secrets.ScheduleVersionDestruction(c.admin, &lockboxpb.ScheduleVersionDestructionRequest{SecretId: id, VersionId: second.Id})
	if got := gatetest.Done[*lockboxpb.Version](t, op, err); got.DestroyAt.AsTime().Sub(c.Clock.Now()).Round(time.Second) != 7*24*time.Hour {
		t.Errorf("scheduled for %v", got.DestroyAt.AsTime())
	}
	op, err = c.secrets.CancelVersionDestruction(c.admin, &lockboxpb.CancelVersionDestructionRequest{SecretId: id, VersionId: second.Id})
	if got := gatetest.Done[*lockboxpb.Version](t, op, err); got.Status != lockboxpb.Version_ACTIVE || got.DestroyAt != nil {
		t.Errorf("cancelled %v", got)
	}
	binding := &accesspb.AccessBinding{RoleId: "lockbox.payloadViewer", Subject: &accesspb.Subject{Id: "someone", Type: access.UserAccount}}
	op, err = c.secrets.SetAccessBindings(c.admin, &accesspb.SetAccessBindingsRequest{ResourceId: id, AccessBindings: []*accesspb.AccessBinding{binding}})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.secrets.UpdateAccessBindings(c.admin, &accesspb.UpdateAccessBindingsRequest{ResourceId: id, AccessBindingDeltas: []*accesspb.AccessBindingDelta{
		{Action: accesspb.AccessBindingAction_REMOVE, AccessBinding: binding},
	}})
	gatetest.Done[*emptypb.Empty](t, op, err)
	if got, err := c.secrets.ListAccessBindings(c.admin, &accesspb.ListAccessBindingsRequest{ResourceId: id}); err != nil || len(got.AccessBindings) != 0 {
		t.Errorf("bindings %v, %v", got, err)
	}
	if got, err := c.secrets.ListOperations(c.admin, &lockboxpb.ListSecretOperationsRequest{SecretId: id}); err != nil || len(got.Operations) != 10 {
		t.Errorf("%d operations, %v", len(got.GetOperations()), err)
	}
	op, err = c.secrets.Delete(c.admin, &lockboxpb.DeleteSecretRequest{SecretId: id})
	if got := gatetest.Done[*lockboxpb.Secret](t, op, err); got.Id != id {
		t.Errorf("deleted %v", got)
	}
	c.EveryOperationSeen()

	_, err = c.secrets.Get(c.admin, &lockboxpb.GetSecretRequest{SecretId: id})
	c.Refused(err, codes.NotFound, "not-found:lockbox.secret")
	for _, m := range c.K.Store.Inventory() {
		if strings.HasPrefix(m.Type, "lockbox.") {
			t.Errorf("%s %s is left", m.Type, m.ID)
		}
	}
}

func TestAddVersionChangesItsBase(t *testing.T) {
	c := start(t)
	secret := c.create(t, text("a", "1"), text("b", "2"))
	first := secret.CurrentVersion.Id
	add := func(base string, entries ...*lockboxpb.PayloadEntryChange) string {
		op, err := c.secrets.AddVersion(c.admin, &lockboxpb.AddVersionRequest{SecretId: secret.Id, BaseVersionId: base, PayloadEntries: entries})
		return gatetest.Done[*lockboxpb.Version](t, op, err).Id
	}
	check := func(version string, want map[string]string) {
		t.Helper()
		if got := c.values(t, &lockboxpb.GetPayloadRequest{SecretId: secret.Id, VersionId: version}); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("version %s has %v, want %v", version, got, want)
		}
	}
	second := add("", text("b", "3"), binary("c", []byte("4")))
	check("", map[string]string{"a": "1", "b": "3", "c": "4"})
	third := add("", &lockboxpb.PayloadEntryChange{Key: "a"})
	check("", map[string]string{"b": "3", "c": "4"})
	add(first, text("d", "5"))
	check("", map[string]string{"a": "1", "b": "2", "d": "5"})
	check(second, map[string]string{"a": "1", "b": "3", "c": "4"})

	listed, err := c.secrets.ListVersions(c.admin, &lockboxpb.ListVersionsRequest{SecretId: secret.Id, PageSize: 3})
	if err != nil || len(listed.Versions) != 3 || listed.NextPageToken == "" || listed.Versions[2].Id != third {
		t.Errorf("listed %v, %v", listed, err)
	}
	_, err = c.secrets.AddVersion(c.admin, &lockboxpb.AddVersionRequest{SecretId: secret.Id, PayloadEntries: []*lockboxpb.PayloadEntryChange{{Key: "nothing"}}})
	c.Refused(err, codes.InvalidArgument, "answer:InvalidArgument")
	other := c.create(t, text("x", "y"))
	_, err = c.payloads.Get(c.admin, &lockboxpb.GetPayloadRequest{SecretId: secret.Id, VersionId: other.CurrentVersion.Id})
	c.Refused(err, codes.NotFound, "api/not-found")
}

func TestVersionIsDestroyedWhenItsTimeHasCome(t *testing.T) {
	c := start(t)
	secret := c.create(t, text("a", "1"))
	version := secret.CurrentVersion.Id
	op, err := c.secrets.ScheduleVersionDestruction(c.admin, &lockboxpb.ScheduleVersionDestructionRequest{
		SecretId: secret.Id, VersionId: version, PendingPeriod: durationpb.New(time.Hour),
	})
	gatetest.Done[*lockboxpb.Version](t, op, err)
	_, err = c.payloads.Get(c.admin, &lockboxpb.GetPayloadRequest{SecretId: secret.Id})
	c.Refused(err, codes.FailedPrecondition, "lockbox/version-not-active")
	c.Clock.Step(time.Hour)
	_, err = c.payloads.Get(c.admin, &lockboxpb.GetPayloadRequest{SecretId: secret.Id})
	c.Refused(err, codes.FailedPrecondition, "lockbox/version-destroyed")
	got, err := c.secrets.Get(c.admin, &lockboxpb.GetSecretRequest{SecretId: secret.Id})
	if err != nil || got.CurrentVersion.Status != lockboxpb.Version_DESTROYED || got.CurrentVersion.DestroyAt != nil {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = c.secrets.CancelVersionDestruction(c.admin, &lockboxpb.CancelVersionDestructionRequest{SecretId: secret.Id, VersionId: version})
	c.Refused(err, codes.FailedPrecondition, "lockbox/version-destroyed")
}

func TestCreateVersionIsTriState(t *testing.T) {
	entries := []*lockboxpb.PayloadEntryChange{text("a", "1")}
	spec := &lockboxpb.CreateSecretRequest_PasswordPayloadSpecification{PasswordPayloadSpecification: &lockboxpb.PasswordPayloadSpecification{PasswordKey: "p"}}
	for name, x := range map[string]struct {
		req     *lockboxpb.CreateSecretRequest
		version bool
		code    codes.Code
	}{
		"nothing":             {&lockboxpb.CreateSecretRequest{}, false, codes.OK},
		"entries":             {&lockboxpb.CreateSecretRequest{VersionPayloadEntries: entries}, true, codes.OK},
		"password":            {&lockboxpb.CreateSecretRequest{PayloadSpecification: spec}, true, codes.OK},
		"not, with entries":   {&lockboxpb.CreateSecretRequest{VersionPayloadEntries: entries, CreateVersion: wrapperspb.Bool(false)}, false, codes.OK},
		"must, with entries":  {&lockboxpb.CreateSecretRequest{VersionPayloadEntries: entries, CreateVersion: wrapperspb.Bool(true)}, true, codes.OK},
		"must, with nothing":  {&lockboxpb.CreateSecretRequest{CreateVersion: wrapperspb.Bool(true)}, false, codes.InvalidArgument},
		"both":                {&lockboxpb.CreateSecretRequest{VersionPayloadEntries: entries, PayloadSpecification: spec}, false, codes.InvalidArgument},
		"a key twice":         {&lockboxpb.CreateSecretRequest{VersionPayloadEntries: append(entries, text("a", "2"))}, false, codes.InvalidArgument},
		"a bad key":           {&lockboxpb.CreateSecretRequest{VersionPayloadEntries: []*lockboxpb.PayloadEntryChange{text("a b", "2")}}, false, codes.InvalidArgument},
		"more than 64 KB":     {&lockboxpb.CreateSecretRequest{VersionPayloadEntries: []*lockboxpb.PayloadEntryChange{text("a", strings.Repeat("x", 40<<10)), text("b", strings.Repeat("x", 25<<10))}}, false, codes.InvalidArgument},
		"an upper-case label": {&lockboxpb.CreateSecretRequest{Labels: map[string]string{"A": "b"}}, false, codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			x.req.FolderId = c.Folder
			op, err := c.secrets.Create(c.admin, x.req)
			if x.code != codes.OK {
				if status.Code(err) != x.code {
					t.Errorf("got %v, want %s", err, x.code)
				}
				return
			}
			secret := gatetest.Done[*lockboxpb.Secret](t, op, err)
			if (secret.CurrentVersion != nil) != x.version {
				t.Errorf("version %v", secret.CurrentVersion)
			}
			if !x.version {
				_, err = c.payloads.Get(c.admin, &lockboxpb.GetPayloadRequest{SecretId: secret.Id})
				c.Refused(err, codes.FailedPrecondition, "lockbox/no-version")
			}
		})
	}
}

func TestRolesAreNeeded(t *testing.T) {
	c := start(t)
	secret := c.create(t, text("a", "1"))
	read := &lockboxpb.GetPayloadRequest{SecretId: secret.Id}
	for _, role := range []string{"lockbox.viewer", "lockbox.editor", "k8s.admin"} {
		_, err := c.payloads.Get(c.With(role), read)
		c.Refused(err, codes.PermissionDenied, "permission:lockbox.payloads.get")
	}
	_, err := c.secrets.Get(c.With("lockbox.payloadViewer"), &lockboxpb.GetSecretRequest{SecretId: secret.Id})
	c.Refused(err, codes.PermissionDenied, "permission:lockbox.secrets.get")
	_, err = c.payloads.Get(t.Context(), read)
	c.Refused(err, codes.Unauthenticated, "no-token")

	onSecret := c.Subject()
	c.Grant(onSecret, "lockbox.payloadViewer", state.Ref{Type: lockbox.KindSecret, ID: secret.Id})
	if _, err := c.payloads.Get(c.As(onSecret), read); err != nil {
		t.Error(err)
	}
	other := c.Subject()
	c.Grant(other, "lockbox.payloadViewer", state.Ref{Type: "resource-manager.folder", ID: c.OtherFolder})
	_, err = c.payloads.Get(c.As(other), read)
	c.Refused(err, codes.PermissionDenied, "permission:lockbox.payloads.get")
}

func TestGetEx(t *testing.T) {
	c := start(t)
	secret := c.create(t, text("a", "1"), binary("b", []byte{0xff}))
	byName := &lockboxpb.GetExRequest{Identifier: &lockboxpb.GetExRequest_FolderAndName{FolderAndName: &lockboxpb.FolderAndName{FolderId: c.Folder, SecretName: "MY_SECRET"}}}
	byID := &lockboxpb.GetExRequest{Identifier: &lockboxpb.GetExRequest_SecretId{SecretId: secret.Id}}
	for _, req := range []*lockboxpb.GetExRequest{byID, byName} {
		got, err := c.payloads.GetEx(c.admin, req)
		if err != nil || got.SecretId != secret.Id || got.VersionId != secret.CurrentVersion.Id || string(got.Entries["a"]) != "1" || !bytes.Equal(got.Entries["b"], []byte{0xff}) {
			t.Errorf("got %v, %v", got, err)
		}
		_, err = c.payloads.GetEx(c.With("lockbox.editor"), req)
		c.Refused(err, codes.PermissionDenied, "permission:lockbox.payloads.get")
	}
	c.create(t, text("a", "1"))
	_, err := c.payloads.GetEx(c.admin, byName)
	c.Refused(err, codes.FailedPrecondition, "lockbox/name-ambiguous")
	_, err = c.payloads.GetEx(c.admin, &lockboxpb.GetExRequest{})
	c.Refused(err, codes.InvalidArgument, "validation:identifier")
}

func TestEncryptedSecretNeedsItsKey(t *testing.T) {
	c := start(t)
	holder, reader := c.Subject("lockbox.admin"), c.Subject("lockbox.payloadViewer")
	req := &lockboxpb.CreateSecretRequest{FolderId: c.Folder, KmsKeyId: "abjkey", VersionPayloadEntries: []*lockboxpb.PayloadEntryChange{text("a", "canary-value")}}
	_, err := c.secrets.Create(c.As(holder), req)
	c.Refused(err, codes.PermissionDenied, "answer:PermissionDenied")
	if secrets, err := c.secrets.List(c.admin, &lockboxpb.ListSecretsRequest{FolderId: c.Folder}); err != nil || len(secrets.Secrets) != 0 {
		t.Errorf("a refused secret is there: %v, %v", secrets, err)
	}
	c.cipher.holders = []access.Subject{holder}
	op, err := c.secrets.Create(c.As(holder), req)
	secret := gatetest.Done[*lockboxpb.Secret](t, op, err)
	_, err = c.payloads.Get(c.As(reader), &lockboxpb.GetPayloadRequest{SecretId: secret.Id})
	c.Refused(err, codes.PermissionDenied, "answer:PermissionDenied")
	c.cipher.holders = append(c.cipher.holders, reader)
	got, err := c.payloads.Get(c.As(reader), &lockboxpb.GetPayloadRequest{SecretId: secret.Id})
	if err != nil || got.Entries[0].GetTextValue() != "canary-value" {
		t.Errorf("got %d entries, %v", len(got.GetEntries()), err)
	}
}

func TestPasswordIsGenerated(t *testing.T) {
	c := start(t)
	spec := &lockboxpb.PasswordPayloadSpecification{PasswordKey: "pw", Length: 12, IncludePunctuation: wrapperspb.Bool(false)}
	op, err := c.secrets.Create(c.admin, &lockboxpb.CreateSecretRequest{FolderId: c.Folder, PayloadSpecification: &lockboxpb.CreateSecretRequest_PasswordPayloadSpecification{PasswordPayloadSpecification: spec}})
	secret := gatetest.Done[*lockboxpb.Secret](t, op, err)
	first := c.values(t, &lockboxpb.GetPayloadRequest{SecretId: secret.Id})["pw"]
	for _, class := range []string{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"} {
		if !strings.ContainsAny(first, class) {
			t.Errorf("no character of %s in the password", class)
		}
	}
	if len(first) != 12 || strings.ContainsAny(first, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") {
		t.Errorf("the password has %d characters or punctuation", len(first))
	}
	op, err = c.secrets.AddVersion(c.admin, &lockboxpb.AddVersionRequest{SecretId: secret.Id})
	gatetest.Done[*lockboxpb.Version](t, op, err)
	if c.values(t, &lockboxpb.GetPayloadRequest{SecretId: secret.Id})["pw"] == first {
		t.Error("a new version has the old password")
	}
	_, err = c.secrets.AddVersion(c.admin, &lockboxpb.AddVersionRequest{SecretId: secret.Id, PayloadEntries: []*lockboxpb.PayloadEntryChange{text("a", "b")}})
	c.Refused(err, codes.InvalidArgument, "answer:InvalidArgument")
}

func TestLimitsAndProtection(t *testing.T) {
	c := start(t)
	c.K.Settings.Change(func(s *settings.Settings) { s.Quotas["lockbox.secrets.count"] = 1 })
	op, err := c.secrets.Create(c.admin, &lockboxpb.CreateSecretRequest{FolderId: c.Folder, DeletionProtection: true})
	secret := gatetest.Done[*lockboxpb.Secret](t, op, err)
	_, err = c.secrets.Create(c.admin, &lockboxpb.CreateSecretRequest{FolderId: c.Folder})
	if c.Refused(err, codes.ResourceExhausted, "answer:ResourceExhausted"); !strings.Contains(err.Error(), "Quota limit lockbox.secrets.count exceeded") {
		t.Error(err)
	}
	_, err = c.secrets.Delete(c.admin, &lockboxpb.DeleteSecretRequest{SecretId: secret.Id})
	c.Refused(err, codes.FailedPrecondition, "lockbox/deletion-protection")
}

func TestOthersSeeTheEndOfAnOperation(t *testing.T) {
	c := start(t)
	c.K.Settings.Change(func(s *settings.Settings) { s.Latencies["*"] = settings.Duration(2 * time.Second) })
	op, err := c.secrets.Create(c.admin, &lockboxpb.CreateSecretRequest{FolderId: c.Folder, VersionPayloadEntries: []*lockboxpb.PayloadEntryChange{text("a", "1")}})
	if err != nil || op.Done {
		t.Fatalf("done %v, %v", op.GetDone(), err)
	}
	meta := &lockboxpb.CreateSecretMetadata{}
	if err := op.Metadata.UnmarshalTo(meta); err != nil || meta.SecretId == "" || meta.VersionId == "" {
		t.Errorf("metadata %v, %v", meta, err)
	}
	get, read := &lockboxpb.GetSecretRequest{SecretId: meta.SecretId}, &lockboxpb.GetPayloadRequest{SecretId: meta.SecretId}
	if got, err := c.secrets.Get(c.admin, get); err != nil || got.Status != lockboxpb.Secret_CREATING {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = c.payloads.Get(c.admin, read)
	c.Refused(err, codes.FailedPrecondition, "lockbox/inactive")
	c.end(t, op)
	if got, err := c.payloads.Get(c.admin, read); err != nil || got.VersionId != meta.VersionId {
		t.Errorf("got %v, %v", got.GetVersionId(), err)
	}
	op, err = c.secrets.Delete(c.admin, &lockboxpb.DeleteSecretRequest{SecretId: meta.SecretId})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.secrets.Get(c.admin, get); err != nil {
		t.Error(err)
	}
	c.end(t, op)
	_, err = c.secrets.Get(c.admin, get)
	c.Refused(err, codes.NotFound, "not-found:lockbox.secret")
}

// end lets the latency of an operation pass and waits for its end.
func (c *cloud) end(t *testing.T, op *operation.Operation) {
	t.Helper()
	for !c.Clock.HasWaiters() {
		runtime.Gosched()
	}
	c.Clock.Step(2 * time.Second)
	for done := false; !done; runtime.Gosched() {
		now, _, ok := c.K.Operations.Get(op.Id)
		if done = now.GetDone(); !ok {
			t.Fatalf("operation %s is gone", op.Id)
		}
	}
}

// The payload may be in the state alone: not in the operations, not in the audit log.
func TestValuesStayInThePayload(t *testing.T) {
	const canary = "canary-4f1c"
	c := start(t)
	secret := c.create(t, text("a", canary))
	_, err := c.payloads.Get(c.With(), &lockboxpb.GetPayloadRequest{SecretId: secret.Id})
	_, err2 := c.secrets.AddVersion(c.admin, &lockboxpb.AddVersionRequest{SecretId: secret.Id, PayloadEntries: []*lockboxpb.PayloadEntryChange{text("a b", canary)}})
	ops, err3 := c.secrets.ListOperations(c.admin, &lockboxpb.ListSecretOperationsRequest{SecretId: secret.Id})
	if err3 != nil {
		t.Fatal(err3)
	}
	trail, err4 := json.Marshal(c.K.Audit.Entries(nil))
	if err4 != nil {
		t.Fatal(err4)
	}
	for _, where := range []string{errors.Join(err, err2).Error(), ops.String(), string(trail)} {
		if strings.Contains(where, canary) {
			t.Errorf("the value is in %s", where)
		}
	}
}
