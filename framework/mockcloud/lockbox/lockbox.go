package lockbox

import (
	"time"

	lockboxpb "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Kinds of resources.
const (
	KindSecret  = "lockbox.secret"
	KindVersion = "lockbox.version"
	kindFolder  = "resource-manager.folder"
)

// Documented limits (docs: Quotas and limits in Lockbox) and the default of
// ScheduleVersionDestructionRequest.pending_period.
const (
	quotaSecrets  = "lockbox.secrets.count"
	maxVersions   = 1000
	maxPayload    = 64 << 10
	pendingPeriod = 7 * 24 * time.Hour
)

// Lockbox holds the secrets.
type Lockbox struct {
	k        *kernel.Kernel
	cipher   kernel.Cipher
	secrets  *state.Table[*lockboxpb.Secret]
	versions *state.Table[*lockboxpb.Version]
	payloads *state.Records[payload]
}

// New makes the service; cipher encrypts the payloads of secrets with a KMS key.
func New(k *kernel.Kernel, cipher kernel.Cipher) *Lockbox {
	return &Lockbox{
		k:        k,
		cipher:   cipher,
		secrets:  state.NewTable[*lockboxpb.Secret](k.Store, KindSecret),
		versions: state.NewTable[*lockboxpb.Version](k.Store, KindVersion),
		payloads: state.NewRecords[payload](k.Store, "lockbox.payload"),
	}
}

// Services are the gRPC services with their rules.
func (s *Lockbox) Services() []kernel.Service {
	api := kernel.AccessAPI{K: s.k, Kind: KindSecret, Prefix: kernel.PrefixLockbox, EmptyResult: true}
	one := func(verb string) kernel.Rule { return kernel.Needs("lockbox.secrets."+verb, KindSecret, "secret_id") }
	secretRules := api.Rules("lockbox.secrets", map[string]kernel.Rule{
		"Get":                        one("get"),
		"List":                       kernel.Needs("lockbox.secrets.list", kindFolder, "folder_id"),
		"Create":                     kernel.Needs("lockbox.secrets.create", kindFolder, "folder_id"),
		"Update":                     one("update"),
		"Delete":                     one("delete"),
		"Activate":                   one("update"),
		"Deactivate":                 one("update"),
		"ListVersions":               one("get"),
		"AddVersion":                 one("update"),
		"SetCurrentVersion":          one("update"),
		"ScheduleVersionDestruction": one("update"),
		"CancelVersionDestruction":   one("update"),
		"ListOperations":             one("get"),
	})
	return []kernel.Service{
		{Desc: &lockboxpb.SecretService_ServiceDesc, Impl: &secretServer{Lockbox: s, AccessAPI: api}, Rules: secretRules},
		{Desc: &lockboxpb.PayloadService_ServiceDesc, Impl: &payloadServer{Lockbox: s}, Rules: map[string]kernel.Rule{
			"Get": kernel.Needs(permissionPayload, KindSecret, "secret_id"),
			// By folder and name, the secret is known only to the method.
			"GetEx": kernel.AnyCaller().AndIfSet(permissionPayload, KindSecret, "secret_id"),
		}},
	}
}

// now has the precision of the service's timestamps, as recorded in public.
func (s *Lockbox) now() *timestamppb.Timestamp {
	return timestamppb.New(s.k.Clock.Now().Truncate(time.Millisecond))
}

func invalid(field, text string, args ...any) error {
	return kernel.Errorf(codes.InvalidArgument, "Validation failed:\n  - "+field+": "+text, args...)
}

// secret returns a secret with its current version as that stands now.
func (s *Lockbox) secret(id string) (*lockboxpb.Secret, error) {
	row, ok := s.secrets.Get(id)
	if !ok {
		return nil, s.k.NotFound(KindSecret, id)
	}
	return s.shown(row), nil
}

// shown fills in the current version, of which a row keeps only the id.
func (s *Lockbox) shown(row *lockboxpb.Secret) *lockboxpb.Secret {
	if id := row.CurrentVersion.GetId(); id != "" {
		row.CurrentVersion, _ = s.version(row.Id, id)
	}
	return row
}

// version returns a version as it stands now: one whose time has come is
// destroyed, and its payload with it.
func (s *Lockbox) version(secretID, id string) (*lockboxpb.Version, error) {
	v, ok := s.versions.Get(id)
	if !ok || v.SecretId != secretID {
		return nil, s.k.NotFound(KindVersion, id)
	}
	if v.Status != lockboxpb.Version_SCHEDULED_FOR_DESTRUCTION || s.k.Clock.Now().Before(v.DestroyAt.AsTime()) {
		return v, nil
	}
	if !kernel.PolicyOn(s.k, strict(), deviations, state.Ref{Type: KindSecret, ID: secretID}).keeps {
		s.payloads.Delete(id)
	}
	v, ok, err := s.versions.Modify(id, func(v *lockboxpb.Version) error {
		v.Status, v.DestroyAt = lockboxpb.Version_DESTROYED, nil
		return nil
	})
	if !ok {
		return nil, s.k.NotFound(KindVersion, id)
	}
	return v, err
}

// insertVersion adds a version within the limit of a secret.
func (s *Lockbox) insertVersion(v *lockboxpb.Version, p payload) error {
	have := 0
	err := s.versions.Insert(v, func(other *lockboxpb.Version) error {
		if other.SecretId != v.SecretId {
			return nil
		}
		if have++; have >= maxVersions {
			return s.k.Guess("lockbox/versions-limit", v.SecretId)
		}
		return nil
	})
	if err == nil {
		s.payloads.Put(v.Id, p)
	}
	return err
}

// drop forgets a secret with its versions, payloads and bindings.
func (s *Lockbox) drop(id string) {
	s.secrets.Delete(id)
	for _, v := range s.versions.List(func(v *lockboxpb.Version) bool { return v.SecretId == id }) {
		s.versions.Delete(v.Id)
		s.payloads.Delete(v.Id)
	}
	s.k.Bindings.Drop(state.Ref{Type: KindSecret, ID: id})
}
