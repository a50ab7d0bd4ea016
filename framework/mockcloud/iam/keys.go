package iam

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/awscompatibility"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

type keyServer struct {
	iam.UnimplementedKeyServiceServer
	*IAM
}

func (s *IAM) keyService() kernel.Service {
	one := func(verb string) kernel.Rule { return kernel.Needs("iam.keys."+verb, KindKey, "key_id") }
	return kernel.Service{Desc: &iam.KeyService_ServiceDesc, Impl: &keyServer{IAM: s}, Rules: map[string]kernel.Rule{
		"Get": one("get"),
		// Without a service account the keys of the caller himself are meant.
		"List":           kernel.AnyCaller().AndIfSet("iam.keys.list", KindServiceAccount, "service_account_id"),
		"Create":         kernel.AnyCaller().AndIfSet("iam.keys.create", KindServiceAccount, "service_account_id"),
		"Update":         one("update"),
		"Delete":         one("delete"),
		"ListOperations": one("get"),
	}}
}

func (s *keyServer) Get(_ context.Context, req *iam.GetKeyRequest) (*iam.Key, error) {
	key, ok := s.keys.Get(req.KeyId)
	if !ok {
		return nil, s.k.NotFound(KindKey, req.KeyId)
	}
	return key, nil
}

func (s *keyServer) List(ctx context.Context, req *iam.ListKeysRequest) (*iam.ListKeysResponse, error) {
	owner := s.owner(ctx, req.ServiceAccountId)
	rows := s.keys.List(func(k *iam.Key) bool { return k.GetServiceAccountId() == owner.ID || k.GetUserAccountId() == owner.ID })
	page, next, err := kernel.Page(rows, req, (*iam.Key).GetId)
	return &iam.ListKeysResponse{Keys: page, NextPageToken: next}, err
}

func (s *keyServer) owner(ctx context.Context, serviceAccountID string) access.Subject {
	if serviceAccountID != "" {
		return access.Subject{Type: access.ServiceAccount, ID: serviceAccountID}
	}
	return kernel.CallOf(ctx).Caller
}

func (s *keyServer) Create(ctx context.Context, req *iam.CreateKeyRequest) (*iam.CreateKeyResponse, error) {
	bits := 2048
	algorithm := iam.Key_RSA_2048
	if req.KeyAlgorithm == iam.Key_RSA_4096 {
		bits, algorithm = 4096, iam.Key_RSA_4096
	}
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	sealed, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	key := &iam.Key{Id: kernel.NewID(kernel.PrefixIAM), CreatedAt: s.now(), Description: req.Description, KeyAlgorithm: algorithm,
		PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))}
	if owner := s.owner(ctx, req.ServiceAccountId); owner.Type == access.ServiceAccount {
		key.Subject = &iam.Key_ServiceAccountId{ServiceAccountId: owner.ID}
	} else {
		key.Subject = &iam.Key_UserAccountId{UserAccountId: owner.ID}
	}
	if err := s.keys.Insert(key, nil); err != nil {
		return nil, err
	}
	return &iam.CreateKeyResponse{Key: key, PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: sealed}))}, nil
}

func (s *keyServer) Update(ctx context.Context, req *iam.UpdateKeyRequest) (*operation.Operation, error) {
	key, ok, err := s.keys.Modify(req.KeyId, func(k *iam.Key) error { return kernel.ApplyMask(k, req, req.UpdateMask, nil) })
	if err != nil || !ok {
		return nil, s.orNotFound(err, KindKey, req.KeyId)
	}
	return s.begin(ctx, KindKey, req.KeyId, "Update key", &iam.UpdateKeyMetadata{KeyId: req.KeyId}, key)
}

func (s *keyServer) Delete(ctx context.Context, req *iam.DeleteKeyRequest) (*operation.Operation, error) {
	if !s.keys.Delete(req.KeyId) {
		return nil, s.k.NotFound(KindKey, req.KeyId)
	}
	return s.begin(ctx, KindKey, req.KeyId, "Delete key", &iam.DeleteKeyMetadata{KeyId: req.KeyId}, nil)
}

func (s *keyServer) ListOperations(_ context.Context, req *iam.ListKeyOperationsRequest) (*iam.ListKeyOperationsResponse, error) {
	ops, next, err := s.k.OperationsOn(state.Ref{Type: KindKey, ID: req.KeyId}, req)
	return &iam.ListKeyOperationsResponse{Operations: ops, NextPageToken: next}, err
}

type accessKeyServer struct {
	awscompatibility.UnimplementedAccessKeyServiceServer
	*IAM
}

func (s *IAM) accessKeyService() kernel.Service {
	one := func(verb string) kernel.Rule {
		return kernel.Needs("iam.accessKeys."+verb, KindAccessKey, "access_key_id")
	}
	return kernel.Service{Desc: &awscompatibility.AccessKeyService_ServiceDesc, Impl: &accessKeyServer{IAM: s}, Rules: map[string]kernel.Rule{
		"Get":    one("get"),
		"List":   kernel.Needs("iam.accessKeys.list", KindServiceAccount, "service_account_id"),
		"Create": kernel.Needs("iam.accessKeys.create", KindServiceAccount, "service_account_id"),
		"Update": one("update"),
		"Delete": one("delete"),
	}}
}

func (s *accessKeyServer) Get(_ context.Context, req *awscompatibility.GetAccessKeyRequest) (*awscompatibility.AccessKey, error) {
	key, ok := s.accessKeys.Get(req.AccessKeyId)
	if !ok {
		return nil, s.k.NotFound(KindAccessKey, req.AccessKeyId)
	}
	return key, nil
}

func (s *accessKeyServer) List(_ context.Context, req *awscompatibility.ListAccessKeysRequest) (*awscompatibility.ListAccessKeysResponse, error) {
	rows := s.accessKeys.List(func(k *awscompatibility.AccessKey) bool { return k.ServiceAccountId == req.ServiceAccountId })
	page, next, err := kernel.Page(rows, req, (*awscompatibility.AccessKey).GetId)
	return &awscompatibility.ListAccessKeysResponse{AccessKeys: page, NextPageToken: next}, err
}

func (s *accessKeyServer) Create(_ context.Context, req *awscompatibility.CreateAccessKeyRequest) (*awscompatibility.CreateAccessKeyResponse, error) {
	key := &awscompatibility.AccessKey{Id: kernel.NewID(kernel.PrefixIAM), ServiceAccountId: req.ServiceAccountId, CreatedAt: s.now(),
		Description: req.Description, KeyId: "YCAJE" + rand.Text()[:20]}
	secret := "YC" + rand.Text() + rand.Text()[:12]
	s.secrets.Put(key.KeyId, secret)
	if err := s.accessKeys.Insert(key, nil); err != nil {
		return nil, err
	}
	return &awscompatibility.CreateAccessKeyResponse{AccessKey: key, Secret: secret}, nil
}

func (s *accessKeyServer) Update(ctx context.Context, req *awscompatibility.UpdateAccessKeyRequest) (*operation.Operation, error) {
	key, ok, err := s.accessKeys.Modify(req.AccessKeyId, func(k *awscompatibility.AccessKey) error { return kernel.ApplyMask(k, req, req.UpdateMask, nil) })
	if err != nil || !ok {
		return nil, s.orNotFound(err, KindAccessKey, req.AccessKeyId)
	}
	return s.begin(ctx, KindAccessKey, req.AccessKeyId, "Update access key", &awscompatibility.UpdateAccessKeyMetadata{AccessKeyId: req.AccessKeyId}, key)
}

func (s *accessKeyServer) Delete(ctx context.Context, req *awscompatibility.DeleteAccessKeyRequest) (*operation.Operation, error) {
	key, ok := s.accessKeys.Get(req.AccessKeyId)
	if !ok {
		return nil, s.k.NotFound(KindAccessKey, req.AccessKeyId)
	}
	s.dropAccessKey(key)
	return s.begin(ctx, KindAccessKey, req.AccessKeyId, "Delete access key", &awscompatibility.DeleteAccessKeyMetadata{AccessKeyId: req.AccessKeyId}, nil)
}

func (s *IAM) dropAccessKey(key *awscompatibility.AccessKey) {
	s.accessKeys.Delete(key.Id)
	s.secrets.Delete(key.KeyId)
}
