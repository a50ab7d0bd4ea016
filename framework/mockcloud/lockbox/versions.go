package lockbox

import (
	"cmp"
	"context"
	"slices"
	"time"

	lockboxpb "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

func (s *secretServer) ListVersions(_ context.Context, req *lockboxpb.ListVersionsRequest) (*lockboxpb.ListVersionsResponse, error) {
	rows := s.versions.List(func(v *lockboxpb.Version) bool { return v.SecretId == req.SecretId })
	page, next, err := kernel.Page(rows, req, (*lockboxpb.Version).GetId)
	if err != nil {
		return nil, err
	}
	for i, v := range page {
		if page[i], err = s.version(req.SecretId, v.Id); err != nil {
			return nil, err
		}
	}
	return &lockboxpb.ListVersionsResponse{Versions: page, NextPageToken: next}, nil
}

// AddVersion: the entries are changes to the base version, the current one if
// none is named. That the new version becomes the current one at once is not
// documented; the tutorials that rotate a secret count on it.
func (s *secretServer) AddVersion(ctx context.Context, req *lockboxpb.AddVersionRequest) (*operation.Operation, error) {
	secret, err := s.secret(req.SecretId)
	if err != nil {
		return nil, err
	}
	spec := secret.GetPasswordPayloadSpecification()
	if spec != nil && len(req.PayloadEntries) > 0 {
		return nil, invalid("payload_entries", "Cannot be set for a secret with password_payload_specification")
	}
	var base []*lockboxpb.Payload_Entry
	if id := cmp.Or(req.BaseVersionId, secret.CurrentVersion.GetId()); id != "" && spec == nil {
		version, err := s.readable(ctx, secret, id)
		if err != nil {
			return nil, err
		}
		if base, err = s.open(kernel.CallOf(ctx).Caller, secret, version); err != nil {
			return nil, err
		}
	}
	version, sealed, err := s.newVersion(ctx, secret, req.Description, base, req.PayloadEntries, spec)
	if err != nil {
		return nil, err
	}
	if err := s.insertVersion(version, sealed); err != nil {
		return nil, err
	}
	meta := &lockboxpb.AddVersionMetadata{SecretId: secret.Id, VersionId: version.Id}
	return s.begin(ctx, secret.Id, "Add version", meta, func() (proto.Message, error) { return s.makeCurrent(secret.Id, version.Id) })
}

// newVersion makes a version and its sealed payload; nothing is stored yet.
func (s *secretServer) newVersion(ctx context.Context, secret *lockboxpb.Secret, description string, base []*lockboxpb.Payload_Entry,
	changes []*lockboxpb.PayloadEntryChange, spec *lockboxpb.PasswordPayloadSpecification,
) (*lockboxpb.Version, payload, error) {
	v := &lockboxpb.Version{
		Id: kernel.NewID(kernel.PrefixLockbox), SecretId: secret.Id, CreatedAt: s.now(), Description: description, Status: lockboxpb.Version_ACTIVE,
	}
	entries, err := applyChanges(base, changes)
	if err != nil {
		return nil, payload{}, err
	}
	if spec != nil {
		v.PayloadSpecification = &lockboxpb.Version_PasswordPayloadSpecification{PasswordPayloadSpecification: spec}
		password, err := generate(spec)
		if err != nil {
			return nil, payload{}, err
		}
		entries = []*lockboxpb.Payload_Entry{{Key: spec.PasswordKey, Value: &lockboxpb.Payload_Entry_TextValue{TextValue: password}}}
	}
	if len(entries) == 0 {
		return nil, payload{}, invalid("payload_entries", "A version must have at least one entry")
	}
	total := 0
	for _, e := range entries {
		v.PayloadEntryKeys = append(v.PayloadEntryKeys, e.Key)
		total += len(e.GetTextValue()) + len(e.GetBinaryValue())
	}
	if total > policyOf(ctx).limit {
		return nil, payload{}, s.k.Guess("lockbox/payload-too-large")
	}
	sealed, err := s.seal(kernel.CallOf(ctx).Caller, secret, entries)
	return v, sealed, err
}

func (s *secretServer) SetCurrentVersion(ctx context.Context, req *lockboxpb.SetCurrentVersionRequest) (*operation.Operation, error) {
	secret, err := s.secret(req.SecretId)
	if err != nil {
		return nil, err
	}
	if _, err := s.readable(ctx, secret, req.VersionId); err != nil {
		return nil, err
	}
	meta := &lockboxpb.SetCurrentVersionMetadata{SecretId: req.SecretId, VersionId: req.VersionId}
	return s.begin(ctx, req.SecretId, "Set current version", meta, func() (proto.Message, error) {
		return s.makeCurrent(req.SecretId, req.VersionId)
	})
}

func (s *secretServer) makeCurrent(secretID, versionID string) (proto.Message, error) {
	if _, err := s.modify(secretID, func(x *lockboxpb.Secret) error {
		x.CurrentVersion = &lockboxpb.Version{Id: versionID}
		return nil
	}); err != nil {
		return nil, err
	}
	return s.version(secretID, versionID)
}

func (s *secretServer) ScheduleVersionDestruction(ctx context.Context, req *lockboxpb.ScheduleVersionDestructionRequest) (*operation.Operation, error) {
	pending := pendingPeriod
	if req.PendingPeriod != nil {
		if pending = req.PendingPeriod.AsDuration(); pending < 0 || !req.PendingPeriod.IsValid() {
			return nil, invalid("pending_period", "Value must not be negative")
		}
	}
	secret, err := s.secret(req.SecretId)
	if err != nil {
		return nil, err
	}
	version, err := s.version(req.SecretId, req.VersionId)
	if err != nil {
		return nil, err
	}
	if version.Status == lockboxpb.Version_DESTROYED {
		return nil, s.k.Guess("lockbox/version-destroyed", version.Id)
	}
	if secret.CurrentVersion.GetId() == version.Id {
		if err := s.k.Guess("lockbox/destroy-current", version.Id); err != nil {
			return nil, err
		}
	}
	at := timestamppb.New(s.k.Clock.Now().Add(pending).Truncate(time.Millisecond))
	meta := &lockboxpb.ScheduleVersionDestructionMetadata{SecretId: req.SecretId, VersionId: req.VersionId, DestroyAt: at}
	return s.changeVersion(ctx, req, "Schedule version destruction", meta, func(v *lockboxpb.Version) error {
		v.Status, v.DestroyAt = lockboxpb.Version_SCHEDULED_FOR_DESTRUCTION, at
		return nil
	})
}

func (s *secretServer) CancelVersionDestruction(ctx context.Context, req *lockboxpb.CancelVersionDestructionRequest) (*operation.Operation, error) {
	scheduled := func(v *lockboxpb.Version) error {
		switch v.Status {
		case lockboxpb.Version_SCHEDULED_FOR_DESTRUCTION:
			return nil
		case lockboxpb.Version_DESTROYED:
			return s.k.Guess("lockbox/version-destroyed", v.Id)
		}
		return s.k.Guess("lockbox/version-not-scheduled", v.Id)
	}
	version, err := s.version(req.SecretId, req.VersionId)
	if err != nil {
		return nil, err
	}
	if err := scheduled(version); err != nil {
		return nil, err
	}
	meta := &lockboxpb.CancelVersionDestructionMetadata{SecretId: req.SecretId, VersionId: req.VersionId}
	return s.changeVersion(ctx, req, "Cancel version destruction", meta, func(v *lockboxpb.Version) error {
		if err := scheduled(v); err != nil {
			return err
		}
		v.Status, v.DestroyAt = lockboxpb.Version_ACTIVE, nil
		return nil
	})
}

type versionRequest interface {
	GetSecretId() string
	GetVersionId() string
}

func (s *secretServer) changeVersion(ctx context.Context, req versionRequest, what string, meta proto.Message, change func(*lockboxpb.Version) error) (*operation.Operation, error) {
	return s.begin(ctx, req.GetSecretId(), what, meta, func() (proto.Message, error) {
		v, ok, err := s.versions.Modify(req.GetVersionId(), change)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, s.k.NotFound(KindVersion, req.GetVersionId())
		}
		return v, nil
	})
}

// readable returns a version whose payload can be read.
func (s *Lockbox) readable(ctx context.Context, secret *lockboxpb.Secret, id string) (*lockboxpb.Version, error) {
	v, err := s.version(secret.Id, id)
	if err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(policyOf(ctx).readable, v.Status):
		return v, nil
	case v.Status == lockboxpb.Version_DESTROYED:
		return v, s.k.Guess("lockbox/version-destroyed", id)
	case v.Status == lockboxpb.Version_SCHEDULED_FOR_DESTRUCTION:
		return v, s.k.Guess("lockbox/version-not-active", id)
	}
	return v, nil
}
