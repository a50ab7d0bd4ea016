package kms

import (
	"bytes"
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"

	kmspb "github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Encrypt encrypts with the primary version of a key, for a caller who has the
// right to.
func (s *KMS) Encrypt(caller access.Subject, keyID string, aad, plain []byte) ([]byte, error) {
	if err := s.allowed(caller, permissionEncrypt, keyID); err != nil {
		return nil, err
	}
	_, sealed, err := s.encrypt(keyID, "", aad, plain)
	return sealed, err
}

// Decrypt decrypts with the version that encrypted.
func (s *KMS) Decrypt(caller access.Subject, keyID string, aad, sealed []byte) ([]byte, error) {
	if err := s.allowed(caller, permissionDecrypt, keyID); err != nil {
		return nil, err
	}
	_, plain, err := s.decrypt(keyID, aad, sealed)
	return plain, err
}

func (s *KMS) allowed(caller access.Subject, permission, keyID string) error {
	need := access.Need{Permission: permission, On: state.Ref{Type: KindKey, ID: keyID}}
	if _, ok := s.keys.Get(keyID); !ok {
		return s.k.NotFound(KindKey, keyID)
	}
	if !s.k.Decider.Allowed(caller, need) {
		return s.k.Denied(need)
	}
	return nil
}

// usable returns a version that can encrypt and decrypt.
func (s *KMS) usable(key *kmspb.SymmetricKey, versionID string) (*kmspb.SymmetricKeyVersion, error) {
	if key.Status != kmspb.SymmetricKey_ACTIVE {
		if err := s.k.Guess("kms/key-inactive", key.Id); err != nil {
			return nil, err
		}
	}
	v, err := s.version(key, versionID)
	if err != nil {
		return nil, err
	}
	switch v.Status {
	case kmspb.SymmetricKeyVersion_DESTROYED:
		return v, s.k.Guess("kms/version-destroyed", versionID)
	case kmspb.SymmetricKeyVersion_SCHEDULED_FOR_DESTRUCTION:
		return v, s.k.Guess("kms/version-not-active", versionID)
	}
	return v, nil
}

func (s *KMS) gcm(version string) (cipher.AEAD, error) {
	material, ok := s.material.Get(version)
	if !ok {
		return nil, kernel.Errorf(codes.FailedPrecondition, "Version %s is destroyed", version)
	}
	block, err := aes.NewCipher(material)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// encrypt puts the version's id before what it encrypted: decryption names no version.
func (s *KMS) encrypt(keyID, versionID string, aad, plain []byte) (*kmspb.SymmetricKeyVersion, []byte, error) {
	key, err := s.key(keyID)
	if err != nil {
		return nil, nil, err
	}
	version, err := s.usable(key, cmp.Or(versionID, key.PrimaryVersion.GetId()))
	if err != nil {
		return nil, nil, err
	}
	gcm, err := s.gcm(version.Id)
	if err != nil {
		return nil, nil, err
	}
	return version, gcm.Seal(append([]byte(version.Id), ':'), nil, plain, aad), nil //nolint:gosec // G407: no nonce but a prefix; the AEAD makes its own
}

func (s *KMS) decrypt(keyID string, aad, sealed []byte) (*kmspb.SymmetricKeyVersion, []byte, error) {
	key, err := s.key(keyID)
	if err != nil {
		return nil, nil, err
	}
	id, body, _ := bytes.Cut(sealed, []byte(":"))
	if v, ok := s.versions.Get(string(id)); !ok || v.KeyId != keyID {
		return nil, nil, s.k.Guess("kms/ciphertext")
	}
	version, err := s.usable(key, string(id))
	if err != nil {
		return nil, nil, err
	}
	gcm, err := s.gcm(version.Id)
	if err != nil {
		return nil, nil, err
	}
	plain, err := gcm.Open(nil, nil, body, aad)
	if err != nil {
		return nil, nil, s.k.Guess("kms/ciphertext")
	}
	return version, plain, nil
}

type cryptoServer struct {
	kmspb.UnimplementedSymmetricCryptoServiceServer
	*KMS
}

func (s *cryptoServer) Encrypt(_ context.Context, req *kmspb.SymmetricEncryptRequest) (*kmspb.SymmetricEncryptResponse, error) {
	version, sealed, err := s.encrypt(req.KeyId, req.VersionId, req.AadContext, req.Plaintext)
	return &kmspb.SymmetricEncryptResponse{KeyId: req.KeyId, VersionId: version.GetId(), Ciphertext: sealed}, err
}

func (s *cryptoServer) Decrypt(_ context.Context, req *kmspb.SymmetricDecryptRequest) (*kmspb.SymmetricDecryptResponse, error) {
	version, plain, err := s.decrypt(req.KeyId, req.AadContext, req.Ciphertext)
	return &kmspb.SymmetricDecryptResponse{KeyId: req.KeyId, VersionId: version.GetId(), Plaintext: plain}, err
}
