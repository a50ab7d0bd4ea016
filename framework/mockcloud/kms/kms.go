package kms

import (
	"time"

	kmspb "github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Kinds of resources.
const (
	KindKey     = "kms.symmetricKey"
	KindVersion = "kms.symmetricKeyVersion"
	kindFolder  = "resource-manager.folder"
)

const (
	permissionEncrypt = "kms.keys.encrypt"
	permissionDecrypt = "kms.keys.decrypt"
	// pendingPeriod is the default of ScheduleSymmetricKeyVersionDestructionRequest.pending_period.
	pendingPeriod = 7 * 24 * time.Hour
)

// KMS holds the keys.
type KMS struct {
	k        *kernel.Kernel
	keys     *state.Table[*kmspb.SymmetricKey]
	versions *state.Table[*kmspb.SymmetricKeyVersion]
	material *state.Records[[]byte] // by version
}

var _ kernel.Cipher = (*KMS)(nil)

// New makes the service.
func New(k *kernel.Kernel) *KMS {
	return &KMS{
		k:        k,
		keys:     state.NewTable[*kmspb.SymmetricKey](k.Store, KindKey),
		versions: state.NewTable[*kmspb.SymmetricKeyVersion](k.Store, KindVersion),
		material: state.NewRecords[[]byte](k.Store, "kms.material"),
	}
}

// Services are the gRPC services with their rules.
func (s *KMS) Services() []kernel.Service {
	api := kernel.AccessAPI{K: s.k, Kind: KindKey, Prefix: kernel.PrefixKMS, EmptyResult: true}
	one := func(verb string) kernel.Rule { return kernel.Needs("kms.keys."+verb, KindKey, "key_id") }
	keyRules := api.Rules("kms.keys", map[string]kernel.Rule{
		"Get":                        one("get"),
		"List":                       kernel.Needs("kms.keys.list", kindFolder, "folder_id"),
		"Create":                     kernel.Needs("kms.keys.create", kindFolder, "folder_id"),
		"Update":                     one("update"),
		"Delete":                     one("delete"),
		"ListVersions":               one("get"),
		"Rotate":                     one("update"),
		"SetPrimaryVersion":          one("update"),
		"ScheduleVersionDestruction": one("delete"),
		"CancelVersionDestruction":   one("delete"),
		"ListOperations":             one("get"),
	})
	return []kernel.Service{
		{Desc: &kmspb.SymmetricKeyService_ServiceDesc, Impl: &keyServer{KMS: s, AccessAPI: api}, Rules: keyRules},
		{Desc: &kmspb.SymmetricCryptoService_ServiceDesc, Impl: &cryptoServer{KMS: s}, Rules: map[string]kernel.Rule{
			"Encrypt": kernel.Needs(permissionEncrypt, KindKey, "key_id"),
			"Decrypt": kernel.Needs(permissionDecrypt, KindKey, "key_id"),
		}},
	}
}

func (s *KMS) now() *timestamppb.Timestamp { return timestamppb.New(s.k.Clock.Now()) }

// key returns a key with its primary version as that stands now.
func (s *KMS) key(id string) (*kmspb.SymmetricKey, error) {
	row, ok := s.keys.Get(id)
	if !ok {
		return nil, s.k.NotFound(KindKey, id)
	}
	return s.shown(row), nil
}

// shown fills in the primary version, of which a row keeps only the id.
func (s *KMS) shown(row *kmspb.SymmetricKey) *kmspb.SymmetricKey {
	row.PrimaryVersion, _ = s.version(row, row.PrimaryVersion.GetId())
	return row
}

// version returns a version as it stands now: one whose time has come is
// destroyed, and its material with it.
func (s *KMS) version(key *kmspb.SymmetricKey, id string) (*kmspb.SymmetricKeyVersion, error) {
	v, ok := s.versions.Get(id)
	if !ok || v.KeyId != key.Id {
		return nil, s.k.NotFound(KindVersion, id)
	}
	if v.Status == kmspb.SymmetricKeyVersion_SCHEDULED_FOR_DESTRUCTION && !s.k.Clock.Now().Before(v.DestroyAt.AsTime()) {
		s.material.Delete(id)
		var err error
		if v, ok, err = s.versions.Modify(id, func(v *kmspb.SymmetricKeyVersion) error {
			v.Status, v.DestroyAt = kmspb.SymmetricKeyVersion_DESTROYED, nil
			return nil
		}); !ok || err != nil {
			return nil, s.k.NotFound(KindVersion, id)
		}
	}
	v.Primary = key.PrimaryVersion.GetId() == id
	return v, nil
}

// drop forgets a key with its versions, material and bindings.
func (s *KMS) drop(id string) {
	s.keys.Delete(id)
	for _, v := range s.versions.List(func(v *kmspb.SymmetricKeyVersion) bool { return v.KeyId == id }) {
		s.versions.Delete(v.Id)
		s.material.Delete(v.Id)
	}
	s.k.Bindings.Drop(state.Ref{Type: KindKey, ID: id})
}
