package kms

import (
	"context"
	"crypto/rand"

	kmspb "github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// unimplementedKey lies one level deeper than AccessAPI, whose methods go before its own.
type unimplementedKey struct {
	kmspb.UnimplementedSymmetricKeyServiceServer
}

type keyServer struct {
	unimplementedKey
	*KMS
	kernel.AccessAPI
}

func (s *keyServer) Get(_ context.Context, req *kmspb.GetSymmetricKeyRequest) (*kmspb.SymmetricKey, error) {
	return s.key(req.KeyId)
}

func (s *keyServer) List(_ context.Context, req *kmspb.ListSymmetricKeysRequest) (*kmspb.ListSymmetricKeysResponse, error) {
	page, next, err := kernel.Page(s.keys.List(func(x *kmspb.SymmetricKey) bool { return x.FolderId == req.FolderId }), req, (*kmspb.SymmetricKey).GetId)
	for _, row := range page {
		s.shown(row)
	}
	return &kmspb.ListSymmetricKeysResponse{Keys: page, NextPageToken: next}, err
}

func (s *keyServer) ListVersions(_ context.Context, req *kmspb.ListSymmetricKeyVersionsRequest) (*kmspb.ListSymmetricKeyVersionsResponse, error) {
	key, err := s.key(req.KeyId)
	if err != nil {
		return nil, err
	}
	page, next, err := kernel.Page(s.versions.List(func(v *kmspb.SymmetricKeyVersion) bool { return v.KeyId == req.KeyId }), req, (*kmspb.SymmetricKeyVersion).GetId)
	if err != nil {
		return nil, err
	}
	for i, v := range page {
		if page[i], err = s.version(key, v.Id); err != nil {
			return nil, err
		}
	}
	return &kmspb.ListSymmetricKeyVersionsResponse{KeyVersions: page, NextPageToken: next}, nil
}

func (s *keyServer) Create(ctx context.Context, req *kmspb.CreateSymmetricKeyRequest) (*operation.Operation, error) {
	if _, err := size(req.DefaultAlgorithm); err != nil {
		return nil, err
	}
	key := &kmspb.SymmetricKey{
		Id: kernel.NewID(kernel.PrefixKMS), FolderId: req.FolderId, CreatedAt: s.now(), Name: req.Name, Description: req.Description, Labels: req.Labels,
		Status: kmspb.SymmetricKey_CREATING, DefaultAlgorithm: req.DefaultAlgorithm, RotationPeriod: req.RotationPeriod, DeletionProtection: req.DeletionProtection,
	}
	version, err := s.addVersion(key)
	if err != nil {
		return nil, err
	}
	key.PrimaryVersion = &kmspb.SymmetricKeyVersion{Id: version.Id}
	if err := s.keys.Insert(key, nil); err != nil {
		return nil, err
	}
	meta := &kmspb.CreateSymmetricKeyMetadata{KeyId: key.Id, PrimaryVersionId: version.Id}
	op := s.op(key.Id, "Create symmetric key", meta, func() (proto.Message, error) {
		created := s.shown(proto.CloneOf(key))
		created.Status = kmspb.SymmetricKey_ACTIVE
		return created, nil
	})
	op.Commit = func() {
		_, _, _ = s.keys.Modify(key.Id, func(x *kmspb.SymmetricKey) error { // one that was deleted meanwhile stays so
			x.Status = kmspb.SymmetricKey_ACTIVE
			return nil
		})
	}
	return s.k.Begin(ctx, op)
}

// addVersion makes a version of the key's default algorithm.
func (s *keyServer) addVersion(key *kmspb.SymmetricKey) (*kmspb.SymmetricKeyVersion, error) {
	n, err := size(key.DefaultAlgorithm)
	if err != nil {
		return nil, err
	}
	v := &kmspb.SymmetricKeyVersion{
		Id: kernel.NewID(kernel.PrefixKMS), KeyId: key.Id, Status: kmspb.SymmetricKeyVersion_ACTIVE, Algorithm: key.DefaultAlgorithm, CreatedAt: s.now(),
		HostedByHsm: key.DefaultAlgorithm == kmspb.SymmetricAlgorithm_AES_256_HSM,
	}
	material := make([]byte, n)
	_, _ = rand.Read(material) // never fails
	s.material.Put(v.Id, material)
	return v, s.versions.Insert(v, nil)
}

// size is the bytes of an algorithm's key.
func size(a kmspb.SymmetricAlgorithm) (int, error) {
	n, ok := map[kmspb.SymmetricAlgorithm]int{
		kmspb.SymmetricAlgorithm_AES_128: 16, kmspb.SymmetricAlgorithm_AES_192: 24,
		kmspb.SymmetricAlgorithm_AES_256: 32, kmspb.SymmetricAlgorithm_AES_256_HSM: 32,
	}[a]
	if !ok {
		return 0, kernel.Errorf(codes.InvalidArgument, "Validation failed:\n  - default_algorithm: %s is not supported", a)
	}
	return n, nil
}

func (s *keyServer) Update(ctx context.Context, req *kmspb.UpdateSymmetricKeyRequest) (*operation.Operation, error) {
	change := func(x *kmspb.SymmetricKey) error {
		if err := kernel.ApplyMask(x, req, req.UpdateMask, map[string]string{"key_id": ""}); err != nil {
			return err
		}
		_, err := size(x.DefaultAlgorithm)
		return err
	}
	// A change that cannot be made is refused at once, not by the operation.
	row, err := s.key(req.KeyId)
	if err != nil {
		return nil, err
	}
	if err := change(row); err != nil {
		return nil, err
	}
	return s.change(ctx, req.KeyId, "Update symmetric key", &kmspb.UpdateSymmetricKeyMetadata{KeyId: req.KeyId}, change)
}

func (s *keyServer) Delete(ctx context.Context, req *kmspb.DeleteSymmetricKeyRequest) (*operation.Operation, error) {
	key, err := s.key(req.KeyId)
	if err != nil {
		return nil, err
	}
	if key.DeletionProtection {
		return nil, s.k.Guess("kms/deletion-protection", req.KeyId)
	}
	op := s.op(req.KeyId, "Delete symmetric key", &kmspb.DeleteSymmetricKeyMetadata{KeyId: req.KeyId}, func() (proto.Message, error) { return key, nil })
	op.Commit = func() { s.drop(req.KeyId) }
	return s.k.Begin(ctx, op)
}

func (s *keyServer) Rotate(ctx context.Context, req *kmspb.RotateSymmetricKeyRequest) (*operation.Operation, error) {
	key, err := s.key(req.KeyId)
	if err != nil {
		return nil, err
	}
	version, err := s.addVersion(key)
	if err != nil {
		return nil, err
	}
	meta := &kmspb.RotateSymmetricKeyMetadata{KeyId: req.KeyId, NewPrimaryVersionId: version.Id}
	return s.change(ctx, req.KeyId, "Rotate symmetric key", meta, func(x *kmspb.SymmetricKey) error {
		x.PrimaryVersion, x.RotatedAt = &kmspb.SymmetricKeyVersion{Id: version.Id}, s.now()
		return nil
	})
}

func (s *keyServer) SetPrimaryVersion(ctx context.Context, req *kmspb.SetPrimarySymmetricKeyVersionRequest) (*operation.Operation, error) {
	key, err := s.key(req.KeyId)
	if err != nil {
		return nil, err
	}
	if _, err := s.usable(key, req.VersionId); err != nil {
		return nil, err
	}
	meta := &kmspb.SetPrimarySymmetricKeyVersionMetadata{KeyId: req.KeyId, VersionId: req.VersionId}
	return s.change(ctx, req.KeyId, "Set primary version", meta, func(x *kmspb.SymmetricKey) error {
		x.PrimaryVersion = &kmspb.SymmetricKeyVersion{Id: req.VersionId}
		return nil
	})
}

// ScheduleVersionDestruction refuses the primary version (a guess).
func (s *keyServer) ScheduleVersionDestruction(ctx context.Context, req *kmspb.ScheduleSymmetricKeyVersionDestructionRequest) (*operation.Operation, error) {
	pending := pendingPeriod
	if req.PendingPeriod != nil {
		if pending = req.PendingPeriod.AsDuration(); pending < 0 || !req.PendingPeriod.IsValid() {
			return nil, kernel.Errorf(codes.InvalidArgument, "Validation failed:\n  - pending_period: Value must not be negative")
		}
	}
	key, err := s.key(req.KeyId)
	if err != nil {
		return nil, err
	}
	version, err := s.version(key, req.VersionId)
	switch {
	case err != nil:
		return nil, err
	case version.Status == kmspb.SymmetricKeyVersion_DESTROYED:
		return nil, s.k.Guess("kms/version-destroyed", version.Id)
	case version.Primary:
		if err := s.k.Guess("kms/destroy-primary", version.Id); err != nil {
			return nil, err
		}
	}
	at := timestamppb.New(s.k.Clock.Now().Add(pending))
	meta := &kmspb.ScheduleSymmetricKeyVersionDestructionMetadata{KeyId: req.KeyId, VersionId: req.VersionId, DestroyAt: at}
	return s.changeVersion(ctx, req, "Schedule version destruction", meta, func(v *kmspb.SymmetricKeyVersion) {
		v.Status, v.DestroyAt = kmspb.SymmetricKeyVersion_SCHEDULED_FOR_DESTRUCTION, at
	})
}

func (s *keyServer) CancelVersionDestruction(ctx context.Context, req *kmspb.CancelSymmetricKeyVersionDestructionRequest) (*operation.Operation, error) {
	key, err := s.key(req.KeyId)
	if err != nil {
		return nil, err
	}
	version, err := s.version(key, req.VersionId)
	if err != nil {
		return nil, err
	}
	if version.Status != kmspb.SymmetricKeyVersion_SCHEDULED_FOR_DESTRUCTION {
		return nil, s.k.Guess("kms/version-not-scheduled", version.Id)
	}
	meta := &kmspb.CancelSymmetricKeyVersionDestructionMetadata{KeyId: req.KeyId, VersionId: req.VersionId}
	return s.changeVersion(ctx, req, "Cancel version destruction", meta, func(v *kmspb.SymmetricKeyVersion) {
		v.Status, v.DestroyAt = kmspb.SymmetricKeyVersion_ACTIVE, nil
	})
}

func (s *keyServer) ListOperations(_ context.Context, req *kmspb.ListSymmetricKeyOperationsRequest) (*kmspb.ListSymmetricKeyOperationsResponse, error) {
	page, next, err := s.k.OperationsOn(state.Ref{Type: KindKey, ID: req.KeyId}, req)
	return &kmspb.ListSymmetricKeyOperationsResponse{Operations: page, NextPageToken: next}, err
}

func (s *keyServer) op(id, what string, meta proto.Message, work func() (proto.Message, error)) kernel.Op {
	return kernel.Op{
		Description: what, Prefix: kernel.PrefixKMS, Metadata: meta, On: state.Ref{Type: KindKey, ID: id},
		Work: func(context.Context) (proto.Message, error) { return work() },
	}
}

func (s *keyServer) begin(ctx context.Context, id, what string, meta proto.Message, work func() (proto.Message, error)) (*operation.Operation, error) {
	return s.k.Begin(ctx, s.op(id, what, meta, work))
}

func (s *keyServer) change(ctx context.Context, id, what string, meta proto.Message, change func(*kmspb.SymmetricKey) error) (*operation.Operation, error) {
	return s.begin(ctx, id, what, meta, func() (proto.Message, error) {
		row, ok, err := s.keys.Modify(id, change)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, s.k.NotFound(KindKey, id)
		}
		return s.shown(row), nil
	})
}

type versionRequest interface {
	GetKeyId() string
	GetVersionId() string
}

func (s *keyServer) changeVersion(ctx context.Context, req versionRequest, what string, meta proto.Message, change func(*kmspb.SymmetricKeyVersion)) (*operation.Operation, error) {
	return s.begin(ctx, req.GetKeyId(), what, meta, func() (proto.Message, error) {
		v, ok, err := s.versions.Modify(req.GetVersionId(), func(v *kmspb.SymmetricKeyVersion) error {
			change(v)
			return nil
		})
		if !ok && err == nil {
			err = s.k.NotFound(KindVersion, req.GetVersionId())
		}
		return v, err
	})
}
