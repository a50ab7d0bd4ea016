package iam

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/awscompatibility"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// unimplementedAccount lies one level deeper than AccessAPI, whose methods go before its own.
type unimplementedAccount struct {
	iam.UnimplementedServiceAccountServiceServer
}

type accountServer struct {
	unimplementedAccount
	*IAM
	kernel.AccessAPI
}

func (s *IAM) accountService() kernel.Service {
	api := kernel.AccessAPI{K: s.k, Kind: KindServiceAccount, Prefix: kernel.PrefixIAM}
	one := func(verb string) kernel.Rule {
		return kernel.Needs("iam.serviceAccounts."+verb, KindServiceAccount, "service_account_id")
	}
	rules := api.Rules("iam.serviceAccounts", map[string]kernel.Rule{
		"Get":            one("get"),
		"List":           kernel.Needs("iam.serviceAccounts.list", kindFolder, "folder_id"),
		"Create":         kernel.Needs("iam.serviceAccounts.create", kindFolder, "folder_id"),
		"Update":         one("update"),
		"Delete":         one("delete"),
		"Suspend":        one("update"),
		"Reactivate":     one("update"),
		"ListOperations": one("get"),
	})
	return kernel.Service{Desc: &iam.ServiceAccountService_ServiceDesc, Impl: &accountServer{IAM: s, AccessAPI: api}, Rules: rules}
}

func (s *accountServer) Get(ctx context.Context, req *iam.GetServiceAccountRequest) (*iam.ServiceAccount, error) {
	a, ok := s.accounts.Get(req.ServiceAccountId)
	if !ok {
		return nil, s.k.NotFound(KindServiceAccount, req.ServiceAccountId)
	}
	policyOf(ctx).showAccount(a)
	return a, nil
}

func (s *accountServer) List(_ context.Context, req *iam.ListServiceAccountsRequest) (*iam.ListServiceAccountsResponse, error) {
	rows, err := kernel.Filter(s.accounts.List(func(a *iam.ServiceAccount) bool { return a.FolderId == req.FolderId }), req.Filter)
	if err != nil {
		return nil, err
	}
	page, next, err := kernel.Page(rows, req, (*iam.ServiceAccount).GetId)
	return &iam.ListServiceAccountsResponse{ServiceAccounts: page, NextPageToken: next}, err
}

func (s *accountServer) Create(ctx context.Context, req *iam.CreateServiceAccountRequest) (*operation.Operation, error) {
	account := &iam.ServiceAccount{
		Id: kernel.NewID(kernel.PrefixIAM), FolderId: req.FolderId, CreatedAt: s.now(), Name: req.Name, Description: req.Description,
		Labels: req.Labels, Status: iam.ServiceAccount_ACTIVE, ExpiresAt: req.ExpiresAt,
	}
	if err := s.k.CheckQuota("iam.serviceAccounts.count", len(s.accounts.List(nil))); err != nil {
		return nil, err
	}
	err := s.accounts.Insert(account, func(have *iam.ServiceAccount) error {
		return sameAccountName(have, account)
	})
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, KindServiceAccount, account.Id, "Create service account", &iam.CreateServiceAccountMetadata{ServiceAccountId: account.Id}, account)
}

// sameAccountName: "The name is unique within the cloud" (service_account.proto),
// of which the mock has one. The text has been seen in public logs.
func sameAccountName(have, want *iam.ServiceAccount) error {
	if have.Id != want.Id && have.Name == want.Name {
		return kernel.Errorf(codes.AlreadyExists, "Service account '%s@%s' already exists", want.Name, want.FolderId)
	}
	return nil
}

func (s *accountServer) Update(ctx context.Context, req *iam.UpdateServiceAccountRequest) (*operation.Operation, error) {
	others := s.accounts.List(nil)
	account, ok, err := s.accounts.Modify(req.ServiceAccountId, func(a *iam.ServiceAccount) error {
		if err := kernel.ApplyMask(a, req, req.UpdateMask, nil); err != nil {
			return err
		}
		for _, have := range others {
			if err := sameAccountName(have, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || !ok {
		return nil, s.orNotFound(err, KindServiceAccount, req.ServiceAccountId)
	}
	return s.begin(ctx, KindServiceAccount, account.Id, "Update service account", &iam.UpdateServiceAccountMetadata{ServiceAccountId: account.Id}, account)
}

// Delete takes the account's keys, credentials and the bindings on it along. The
// bindings it has on other resources stay, as dangling ones do on the real cloud.
func (s *accountServer) Delete(ctx context.Context, req *iam.DeleteServiceAccountRequest) (*operation.Operation, error) {
	id := req.ServiceAccountId
	if policyOf(ctx).keeps {
		return s.begin(ctx, KindServiceAccount, id, "Delete service account", &iam.DeleteServiceAccountMetadata{ServiceAccountId: id}, nil)
	}
	if _, ok, _ := s.accounts.Modify(id, func(a *iam.ServiceAccount) error { a.Status = iam.ServiceAccount_DELETING; return nil }); !ok {
		return nil, s.k.NotFound(KindServiceAccount, id)
	}
	return s.k.Begin(ctx, kernel.Op{Description: "Delete service account", Prefix: kernel.PrefixIAM,
		Metadata: &iam.DeleteServiceAccountMetadata{ServiceAccountId: id}, On: state.Ref{Type: KindServiceAccount, ID: id},
		Work: func(context.Context) (proto.Message, error) {
			for _, c := range s.credentials.List(func(c *workload.FederatedCredential) bool { return c.ServiceAccountId == id }) {
				s.credentials.Delete(c.Id)
			}
			for _, key := range s.keys.List(func(key *iam.Key) bool { return key.GetServiceAccountId() == id }) {
				s.keys.Delete(key.Id)
			}
			for _, key := range s.accessKeys.List(func(key *awscompatibility.AccessKey) bool { return key.ServiceAccountId == id }) {
				s.dropAccessKey(key)
			}
			s.k.Bindings.Drop(state.Ref{Type: KindServiceAccount, ID: id})
			s.accounts.Delete(id)
			return nil, nil
		}})
}

func (s *accountServer) setStatus(id string, from, to iam.ServiceAccount_Status) error {
	_, ok, err := s.accounts.Modify(id, func(a *iam.ServiceAccount) error {
		if a.Status != from && a.Status != to {
			return kernel.Errorf(codes.FailedPrecondition, "Service account %s is %s", id, a.Status)
		}
		a.Status = to
		return nil
	})
	if err != nil || !ok {
		return s.orNotFound(err, KindServiceAccount, id)
	}
	return nil
}

func (s *accountServer) Suspend(ctx context.Context, req *iam.SuspendServiceAccountRequest) (*operation.Operation, error) {
	if err := s.setStatus(req.ServiceAccountId, iam.ServiceAccount_ACTIVE, iam.ServiceAccount_SUSPENDED); err != nil {
		return nil, err
	}
	return s.begin(ctx, KindServiceAccount, req.ServiceAccountId, "Suspend service account", &iam.SuspendServiceAccountMetadata{ServiceAccountId: req.ServiceAccountId}, &iam.SuspendServiceAccountResponse{})
}

func (s *accountServer) Reactivate(ctx context.Context, req *iam.ReactivateServiceAccountRequest) (*operation.Operation, error) {
	if err := s.setStatus(req.ServiceAccountId, iam.ServiceAccount_SUSPENDED, iam.ServiceAccount_ACTIVE); err != nil {
		return nil, err
	}
	return s.begin(ctx, KindServiceAccount, req.ServiceAccountId, "Reactivate service account", &iam.ReactivateServiceAccountMetadata{ServiceAccountId: req.ServiceAccountId}, &iam.ReactivateServiceAccountResponse{})
}

func (s *accountServer) ListOperations(_ context.Context, req *iam.ListServiceAccountOperationsRequest) (*iam.ListServiceAccountOperationsResponse, error) {
	ops, next, err := s.k.OperationsOn(state.Ref{Type: KindServiceAccount, ID: req.ServiceAccountId}, req)
	return &iam.ListServiceAccountOperationsResponse{Operations: ops, NextPageToken: next}, err
}
