package kms_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	kmspb "github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	lockboxpb "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gatetest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kms"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/lockbox"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

type cloud struct {
	*gatetest.Cloud
	keys   kmspb.SymmetricKeyServiceClient
	crypto kmspb.SymmetricCryptoServiceClient
	admin  context.Context
}

func start(t *testing.T, more func(*kernel.Kernel, kernel.Cipher) []kernel.Service) *cloud {
	c := gatetest.Start(t, func(k *kernel.Kernel) []kernel.Service {
		s := kms.New(k)
		if more == nil {
			return s.Services()
		}
		return append(s.Services(), more(k, s)...)
	})
	return &cloud{Cloud: c, keys: kmspb.NewSymmetricKeyServiceClient(c.Conn), crypto: kmspb.NewSymmetricCryptoServiceClient(c.Conn), admin: c.With("kms.admin")}
}

func (c *cloud) create(t *testing.T) *kmspb.SymmetricKey {
	t.Helper()
	op, err := c.keys.Create(c.admin, &kmspb.CreateSymmetricKeyRequest{FolderId: c.Folder, Name: "k", DefaultAlgorithm: kmspb.SymmetricAlgorithm_AES_256})
	return gatetest.Done[*kmspb.SymmetricKey](t, op, err)
}

func TestEveryOperationHasTheDescriptorsTypes(t *testing.T) {
	c := start(t, nil)
	key := c.create(t)
	first := key.PrimaryVersion.GetId()
	if key.Status != kmspb.SymmetricKey_ACTIVE || !key.PrimaryVersion.GetPrimary() || key.PrimaryVersion.Algorithm != kmspb.SymmetricAlgorithm_AES_256 {
		t.Errorf("created %v", key)
	}
	op, err := c.keys.Update(c.admin, &kmspb.UpdateSymmetricKeyRequest{KeyId: key.Id, Description: "d", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}}})
	if got := gatetest.Done[*kmspb.SymmetricKey](t, op, err); got.Description != "d" || got.Name != "k" {
		t.Errorf("updated %v", got)
	}
	op, err = c.keys.Rotate(c.admin, &kmspb.RotateSymmetricKeyRequest{KeyId: key.Id})
	if got := gatetest.Done[*kmspb.SymmetricKey](t, op, err); got.PrimaryVersion.Id == first || got.RotatedAt == nil {
		t.Errorf("rotated %v", got)
	}
	op, err = c.keys.ScheduleVersionDestruction(c.admin, &kmspb.ScheduleSymmetricKeyVersionDestructionRequest{KeyId: key.Id, VersionId: first})
	if got := gatetest.Done[*kmspb.SymmetricKeyVersion](t, op, err); got.DestroyAt.AsTime().Sub(c.Clock.Now()) != 7*24*time.Hour {
		t.Errorf("scheduled %v", got)
	}
	op, err = c.keys.CancelVersionDestruction(c.admin, &kmspb.CancelSymmetricKeyVersionDestructionRequest{KeyId: key.Id, VersionId: first})
	gatetest.Done[*kmspb.SymmetricKeyVersion](t, op, err)
	op, err = c.keys.SetPrimaryVersion(c.admin, &kmspb.SetPrimarySymmetricKeyVersionRequest{KeyId: key.Id, VersionId: first})
	if got := gatetest.Done[*kmspb.SymmetricKey](t, op, err); got.PrimaryVersion.Id != first {
		t.Errorf("primary %v", got)
	}
	_, err = c.keys.ScheduleVersionDestruction(c.admin, &kmspb.ScheduleSymmetricKeyVersionDestructionRequest{KeyId: key.Id, VersionId: first})
	c.Refused(err, codes.FailedPrecondition, "kms/destroy-primary")
	versions, err := c.keys.ListVersions(c.admin, &kmspb.ListSymmetricKeyVersionsRequest{KeyId: key.Id})
	if err != nil || len(versions.KeyVersions) != 2 || !versions.KeyVersions[0].Primary || versions.KeyVersions[1].Primary {
		t.Errorf("%v, %v", versions, err)
	}
	binding := &accesspb.AccessBinding{RoleId: "kms.keys.decrypter", Subject: &accesspb.Subject{Id: "someone", Type: access.UserAccount}}
	op, err = c.keys.SetAccessBindings(c.admin, &accesspb.SetAccessBindingsRequest{ResourceId: key.Id, AccessBindings: []*accesspb.AccessBinding{binding}})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.keys.UpdateAccessBindings(c.admin, &accesspb.UpdateAccessBindingsRequest{ResourceId: key.Id, AccessBindingDeltas: []*accesspb.AccessBindingDelta{
		{Action: accesspb.AccessBindingAction_REMOVE, AccessBinding: binding},
	}})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.keys.Delete(c.admin, &kmspb.DeleteSymmetricKeyRequest{KeyId: key.Id})
	gatetest.Done[*kmspb.SymmetricKey](t, op, err)
	c.EveryOperationSeen()
	if list, err := c.keys.List(c.admin, &kmspb.ListSymmetricKeysRequest{FolderId: c.Folder}); err != nil || len(list.Keys) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	_, err = c.keys.Create(c.admin, &kmspb.CreateSymmetricKeyRequest{FolderId: c.Folder, DefaultAlgorithm: kmspb.SymmetricAlgorithm_GOST_R_3412_2015_K})
	c.Refused(err, codes.InvalidArgument, "answer:InvalidArgument")
}

func TestEncryption(t *testing.T) {
	c := start(t, nil)
	key := c.create(t)
	plain, aad := []byte("hello"), []byte("context")
	sealed, err := c.crypto.Encrypt(c.admin, &kmspb.SymmetricEncryptRequest{KeyId: key.Id, AadContext: aad, Plaintext: plain})
	if err != nil || bytes.Contains(sealed.Ciphertext, plain) || sealed.VersionId != key.PrimaryVersion.Id {
		t.Fatalf("%v, %v", sealed, err)
	}
	op, err := c.keys.Rotate(c.admin, &kmspb.RotateSymmetricKeyRequest{KeyId: key.Id})
	gatetest.Done[*kmspb.SymmetricKey](t, op, err)
	got, err := c.crypto.Decrypt(c.admin, &kmspb.SymmetricDecryptRequest{KeyId: key.Id, AadContext: aad, Ciphertext: sealed.Ciphertext})
	if err != nil || !bytes.Equal(got.Plaintext, plain) || got.VersionId != sealed.VersionId {
		t.Errorf("%v, %v", got, err)
	}
	other := c.create(t)
	for name, req := range map[string]*kmspb.SymmetricDecryptRequest{
		"other context":  {KeyId: key.Id, Ciphertext: sealed.Ciphertext},
		"other key":      {KeyId: other.Id, AadContext: aad, Ciphertext: sealed.Ciphertext},
		"cut":            {KeyId: key.Id, AadContext: aad, Ciphertext: sealed.Ciphertext[:len(sealed.Ciphertext)-1]},
		"no ciphertext":  {KeyId: key.Id, AadContext: aad, Ciphertext: []byte("x")},
		"only a version": {KeyId: key.Id, AadContext: aad, Ciphertext: sealed.Ciphertext[:21]},
	} {
		if _, err := c.crypto.Decrypt(c.admin, req); status.Code(err) != codes.InvalidArgument || c.LastReason() != "kms/ciphertext" {
			t.Errorf("%s: %v (%s)", name, err, c.LastReason())
		}
	}
	_, err = c.crypto.Encrypt(c.With("kms.keys.decrypter"), &kmspb.SymmetricEncryptRequest{KeyId: key.Id, Plaintext: plain})
	c.Refused(err, codes.PermissionDenied, "permission:kms.keys.encrypt")
	_, err = c.crypto.Decrypt(c.With("kms.keys.encrypter"), &kmspb.SymmetricDecryptRequest{KeyId: key.Id, Ciphertext: sealed.Ciphertext})
	c.Refused(err, codes.PermissionDenied, "permission:kms.keys.decrypt")

	again := &kmspb.SymmetricDecryptRequest{KeyId: key.Id, AadContext: aad, Ciphertext: sealed.Ciphertext}
	op, err = c.keys.ScheduleVersionDestruction(c.admin, &kmspb.ScheduleSymmetricKeyVersionDestructionRequest{KeyId: key.Id, VersionId: sealed.VersionId, PendingPeriod: durationpb.New(time.Hour)})
	gatetest.Done[*kmspb.SymmetricKeyVersion](t, op, err)
	_, err = c.crypto.Decrypt(c.admin, again)
	c.Refused(err, codes.FailedPrecondition, "kms/version-not-active")
	c.Clock.Step(time.Hour)
	_, err = c.crypto.Decrypt(c.admin, again)
	c.Refused(err, codes.FailedPrecondition, "kms/version-destroyed")
	op, err = c.keys.Update(c.admin, &kmspb.UpdateSymmetricKeyRequest{KeyId: other.Id, Status: kmspb.SymmetricKey_INACTIVE, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"status"}}})
	gatetest.Done[*kmspb.SymmetricKey](t, op, err)
	_, err = c.crypto.Encrypt(c.admin, &kmspb.SymmetricEncryptRequest{KeyId: other.Id, Plaintext: plain})
	c.Refused(err, codes.FailedPrecondition, "kms/key-inactive")
}

// The classic mistake: lockbox.payloadViewer alone does not open a secret that is
// encrypted with a key of one's own.
func TestEncryptedSecretNeedsARoleOnItsKey(t *testing.T) {
	c := start(t, func(k *kernel.Kernel, cipher kernel.Cipher) []kernel.Service {
		return lockbox.New(k, cipher).Services()
	})
	secrets, payloads := lockboxpb.NewSecretServiceClient(c.Conn), lockboxpb.NewPayloadServiceClient(c.Conn)
	key := c.create(t)
	req := &lockboxpb.CreateSecretRequest{FolderId: c.Folder, KmsKeyId: key.Id, VersionPayloadEntries: []*lockboxpb.PayloadEntryChange{
		{Key: "test-secret", Value: &lockboxpb.PayloadEntryChange_TextValue{TextValue: "hello-world"}},
	}}
	_, err := secrets.Create(c.With("lockbox.admin"), req)
	c.Refused(err, codes.PermissionDenied, "permission:kms.keys.encrypt")
	op, err := secrets.Create(c.With("lockbox.admin", "kms.keys.encrypterDecrypter"), req)
	secret := gatetest.Done[*lockboxpb.Secret](t, op, err)

	reader := c.Subject("lockbox.payloadViewer")
	read := &lockboxpb.GetPayloadRequest{SecretId: secret.Id}
	_, err = payloads.Get(c.As(reader), read)
	c.Refused(err, codes.PermissionDenied, "permission:kms.keys.decrypt")
	c.Grant(reader, "kms.keys.decrypter", state.Ref{Type: kms.KindKey, ID: key.Id})
	got, err := payloads.Get(c.As(reader), read)
	if err != nil || got.Entries[0].GetTextValue() != "hello-world" {
		t.Errorf("%d entries, %v", len(got.GetEntries()), err)
	}
	op, err = c.keys.Delete(c.admin, &kmspb.DeleteSymmetricKeyRequest{KeyId: key.Id})
	gatetest.Done[*kmspb.SymmetricKey](t, op, err)
	_, err = payloads.Get(c.As(reader), read)
	c.Refused(err, codes.NotFound, "api/not-found")
}
