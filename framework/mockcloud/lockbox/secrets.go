package lockbox

import (
	"context"

	lockboxpb "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// unimplementedSecret lies one level deeper than AccessAPI, whose methods go before its own.
type unimplementedSecret struct {
	lockboxpb.UnimplementedSecretServiceServer
}

type secretServer struct {
	unimplementedSecret
	*Lockbox
	kernel.AccessAPI
}

func (s *secretServer) Get(ctx context.Context, req *lockboxpb.GetSecretRequest) (*lockboxpb.Secret, error) {
	secret, err := s.secret(req.SecretId)
	if err == nil {
		policyOf(ctx).show(secret)
	}
	return secret, err
}

func (s *secretServer) List(_ context.Context, req *lockboxpb.ListSecretsRequest) (*lockboxpb.ListSecretsResponse, error) {
	rows := s.secrets.List(func(x *lockboxpb.Secret) bool { return x.FolderId == req.FolderId })
	page, next, err := kernel.Page(rows, req, (*lockboxpb.Secret).GetId)
	if err != nil {
		return nil, err
	}
	for _, row := range page {
		s.shown(row)
	}
	return &lockboxpb.ListSecretsResponse{Secrets: page, NextPageToken: next}, nil
}

// Create: names need not be unique (nothing says they must).
func (s *secretServer) Create(ctx context.Context, req *lockboxpb.CreateSecretRequest) (*operation.Operation, error) {
	secret := &lockboxpb.Secret{
		Id: kernel.NewID(kernel.PrefixLockbox), FolderId: req.FolderId, CreatedAt: s.now(), Name: req.Name, Description: req.Description,
		Labels: req.Labels, KmsKeyId: req.KmsKeyId, Status: lockboxpb.Secret_CREATING, DeletionProtection: req.DeletionProtection,
	}
	spec := req.GetPasswordPayloadSpecification()
	if spec != nil {
		secret.PayloadSpecification = &lockboxpb.Secret_PasswordPayloadSpecification{PasswordPayloadSpecification: spec}
	}
	first, sealed, err := s.firstVersion(ctx, secret, req)
	if err != nil {
		return nil, err
	}
	if first != nil {
		secret.CurrentVersion = &lockboxpb.Version{Id: first.Id}
	}
	if err := s.insert(secret); err != nil {
		return nil, err
	}
	if first != nil {
		if err := s.insertVersion(first, sealed); err != nil {
			s.drop(secret.Id)
			return nil, err
		}
	}
	meta := &lockboxpb.CreateSecretMetadata{SecretId: secret.Id, VersionId: first.GetId()}
	op := s.op(secret.Id, "Create secret", meta, func() (proto.Message, error) {
		created := s.shown(proto.CloneOf(secret))
		created.Status = lockboxpb.Secret_ACTIVE
		return created, nil
	})
	op.Commit = func() { _, _ = s.setStatus(secret.Id, lockboxpb.Secret_ACTIVE) } // one that was deleted meanwhile stays so
	return s.k.Begin(ctx, op)
}

// firstVersion follows CreateSecretRequest.create_version: unset makes a version
// if there is something to put into it.
func (s *secretServer) firstVersion(ctx context.Context, secret *lockboxpb.Secret, req *lockboxpb.CreateSecretRequest) (*lockboxpb.Version, payload, error) {
	spec, entries := req.GetPasswordPayloadSpecification(), req.VersionPayloadEntries
	if spec != nil && len(entries) > 0 {
		return nil, payload{}, invalid("version_payload_entries", "Cannot be set together with password_payload_specification")
	}
	given := spec != nil || len(entries) > 0
	if req.CreateVersion.GetValue() && !given {
		return nil, payload{}, invalid("create_version", "Either version_payload_entries or password_payload_specification is required")
	}
	if !given || (req.CreateVersion != nil && !req.CreateVersion.Value) {
		return nil, payload{}, nil
	}
	return s.newVersion(ctx, secret, req.VersionDescription, nil, entries, spec)
}

func (s *secretServer) insert(secret *lockboxpb.Secret) error {
	have := 0
	if err := s.k.CheckQuota(quotaSecrets, have); err != nil {
		return err
	}
	return s.secrets.Insert(secret, func(*lockboxpb.Secret) error {
		have++
		return s.k.CheckQuota(quotaSecrets, have)
	})
}

func (s *secretServer) Update(ctx context.Context, req *lockboxpb.UpdateSecretRequest) (*operation.Operation, error) {
	change := func(x *lockboxpb.Secret) error {
		return kernel.ApplyMask(x, req, req.UpdateMask, map[string]string{"secret_id": ""})
	}
	// A mask that cannot be applied is refused at once, not by the operation.
	row, err := s.secret(req.SecretId)
	if err != nil {
		return nil, err
	}
	if err := change(row); err != nil {
		return nil, err
	}
	return s.begin(ctx, req.SecretId, "Update secret", &lockboxpb.UpdateSecretMetadata{SecretId: req.SecretId}, func() (proto.Message, error) {
		return s.modify(req.SecretId, change)
	})
}

func (s *secretServer) Delete(ctx context.Context, req *lockboxpb.DeleteSecretRequest) (*operation.Operation, error) {
	secret, err := s.secret(req.SecretId)
	if err != nil {
		return nil, err
	}
	if secret.DeletionProtection {
		return nil, s.k.Guess("lockbox/deletion-protection", req.SecretId)
	}
	op := s.op(req.SecretId, "Delete secret", &lockboxpb.DeleteSecretMetadata{SecretId: req.SecretId}, func() (proto.Message, error) { return secret, nil })
	if !policyOf(ctx).stays {
		op.Commit = func() { s.drop(req.SecretId) }
	}
	return s.k.Begin(ctx, op)
}

func (s *secretServer) Activate(ctx context.Context, req *lockboxpb.ActivateSecretRequest) (*operation.Operation, error) {
	to := policyOf(ctx).activated
	return s.begin(ctx, req.SecretId, "Activate secret", &lockboxpb.ActivateSecretMetadata{SecretId: req.SecretId}, func() (proto.Message, error) {
		return s.setStatus(req.SecretId, to)
	})
}

func (s *secretServer) Deactivate(ctx context.Context, req *lockboxpb.DeactivateSecretRequest) (*operation.Operation, error) {
	return s.begin(ctx, req.SecretId, "Deactivate secret", &lockboxpb.DeactivateSecretMetadata{SecretId: req.SecretId}, func() (proto.Message, error) {
		return s.setStatus(req.SecretId, lockboxpb.Secret_INACTIVE)
	})
}

func (s *secretServer) setStatus(id string, to lockboxpb.Secret_Status) (proto.Message, error) {
	return s.modify(id, func(x *lockboxpb.Secret) error {
		x.Status = to
		return nil
	})
}

func (s *secretServer) ListOperations(_ context.Context, req *lockboxpb.ListSecretOperationsRequest) (*lockboxpb.ListSecretOperationsResponse, error) {
	page, next, err := s.k.OperationsOn(state.Ref{Type: KindSecret, ID: req.SecretId}, req)
	return &lockboxpb.ListSecretOperationsResponse{Operations: page, NextPageToken: next}, err
}

func (s *secretServer) op(id, what string, meta proto.Message, work func() (proto.Message, error)) kernel.Op {
	return kernel.Op{
		Description: what, Prefix: kernel.PrefixLockbox, Metadata: meta, On: state.Ref{Type: KindSecret, ID: id},
		Work: func(context.Context) (proto.Message, error) { return work() },
	}
}

func (s *secretServer) begin(ctx context.Context, id, what string, meta proto.Message, work func() (proto.Message, error)) (*operation.Operation, error) {
	return s.k.Begin(ctx, s.op(id, what, meta, work))
}

// modify changes a secret and returns it as the API shows it.
func (s *secretServer) modify(id string, change func(*lockboxpb.Secret) error) (proto.Message, error) {
	row, ok, err := s.secrets.Modify(id, change)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, s.k.NotFound(KindSecret, id)
	}
	return s.shown(row), nil
}
