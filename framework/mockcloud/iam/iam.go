package iam

import (
	"context"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/awscompatibility"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Kinds of resources.
const (
	KindServiceAccount = "iam.serviceAccount"
	KindUser           = "iam.userAccount"
	KindKey            = "iam.key"
	KindAccessKey      = "iam.accessKey"
	KindFederation     = "iam.workloadIdentityFederation"
	KindCredential     = "iam.federatedCredential"
	kindFolder         = "resource-manager.folder"
)

// IAM holds the accounts.
type IAM struct {
	k           *kernel.Kernel
	accounts    *state.Table[*iam.ServiceAccount]
	users       *state.Table[*iam.UserAccount]
	keys        *state.Table[*iam.Key]
	accessKeys  *state.Table[*awscompatibility.AccessKey]
	secrets     *state.Records[string] // access key id -> secret
	oauth       *state.Records[string] // OAuth token of a user -> user id
	federations *state.Table[*oidc.Federation]
	credentials *state.Table[*workload.FederatedCredential]
}

// New makes the service; it tells the kernel which subjects cannot authenticate.
func New(k *kernel.Kernel) *IAM {
	s := &IAM{
		k:           k,
		accounts:    state.NewTable[*iam.ServiceAccount](k.Store, KindServiceAccount),
		users:       state.NewTable[*iam.UserAccount](k.Store, KindUser),
		keys:        state.NewTable[*iam.Key](k.Store, KindKey),
		accessKeys:  state.NewTable[*awscompatibility.AccessKey](k.Store, KindAccessKey),
		secrets:     state.NewRecords[string](k.Store, "iam.accessKeySecret"),
		oauth:       state.NewRecords[string](k.Store, "iam.oauthToken"),
		federations: state.NewTable[*oidc.Federation](k.Store, KindFederation),
		credentials: state.NewTable[*workload.FederatedCredential](k.Store, KindCredential),
	}
	k.JudgeSubjects(s.inactive)
	return s
}

// Services are the gRPC services with their rules.
func (s *IAM) Services() []kernel.Service {
	return []kernel.Service{
		s.tokenService(), s.accountService(), s.keyService(), s.accessKeyService(),
		s.roleService(), s.userService(), s.federationService(), s.credentialService(),
	}
}

// AddUser makes a user account that can get IAM tokens for an OAuth token.
func (s *IAM) AddUser(login, oauthToken string) access.Subject {
	id := kernel.NewID(kernel.PrefixIAM)
	_ = s.users.Insert(&iam.UserAccount{Id: id, UserAccount: &iam.UserAccount_YandexPassportUserAccount{
		YandexPassportUserAccount: &iam.YandexPassportUserAccount{Login: login, DefaultEmail: login + "@example.com"},
	}}, nil)
	s.oauth.Put(oauthToken, id)
	return access.Subject{Type: access.UserAccount, ID: id}
}

// inactive says why a subject cannot authenticate.
func (s *IAM) inactive(subject access.Subject) string {
	if subject.Type == access.UserAccount {
		if _, ok := s.users.Get(subject.ID); !ok {
			return "deleted"
		}
		return ""
	}
	account, ok := s.accounts.Get(subject.ID)
	if !ok {
		return "deleted"
	}
	return s.Unusable(account)
}

// Unusable says why a service account cannot authenticate: its status
// (service_account.proto: SUSPENDED "cannot authenticate") or its expiry.
func (s *IAM) Unusable(account *iam.ServiceAccount) string {
	switch account.Status {
	case iam.ServiceAccount_SUSPENDED:
		return "suspended"
	case iam.ServiceAccount_DELETING:
		return "deleted"
	}
	if account.ExpiresAt != nil && !s.k.Clock.Now().Before(account.ExpiresAt.AsTime()) {
		return "expired"
	}
	return ""
}

func (s *IAM) now() *timestamppb.Timestamp { return timestamppb.New(s.k.Clock.Now()) }

// begin starts the operation of a change that is already made.
func (s *IAM) begin(ctx context.Context, kind, id, what string, meta, resp proto.Message) (*operation.Operation, error) {
	return s.k.Begin(ctx, kernel.Op{Description: what, Prefix: kernel.PrefixIAM, Metadata: meta, On: state.Ref{Type: kind, ID: id},
		Work: func(context.Context) (proto.Message, error) { return resp, nil }})
}

// orNotFound is the answer when a row could not be changed: err, or that there is none.
func (s *IAM) orNotFound(err error, kind, id string) error {
	if err != nil {
		return err
	}
	return s.k.NotFound(kind, id)
}

// MintFor makes an IAM token for a subject with the lifetime that is set.
func (s *IAM) MintFor(subject access.Subject) (token string, expires time.Time) {
	now := s.k.Clock.Now()
	expires = now.Add(time.Duration(s.k.Settings.Get().TokenLifetime))
	if subject.Type == access.ServiceAccount {
		_, _, _ = s.accounts.Modify(subject.ID, func(a *iam.ServiceAccount) error {
			a.LastAuthenticatedAt = timestamppb.New(now)
			return nil
		})
	}
	return s.k.Tokens.Mint(subject, expires), expires
}

// Account returns a service account.
func (s *IAM) Account(id string) (*iam.ServiceAccount, bool) { return s.accounts.Get(id) }

// Accounts are all service accounts, oldest first.
func (s *IAM) Accounts() []*iam.ServiceAccount { return s.accounts.List(nil) }

// Federations are all of them, oldest first.
func (s *IAM) Federations() []*oidc.Federation { return s.federations.List(nil) }

// Links are the federated credentials of a service account, each with its federation.
func (s *IAM) Links(accountID string) []Link {
	return s.links(func(c *workload.FederatedCredential) bool { return c.ServiceAccountId == accountID })
}

// EveryLink are the federated credentials of all service accounts.
func (s *IAM) EveryLink() []Link { return s.links(nil) }

func (s *IAM) links(keep func(*workload.FederatedCredential) bool) []Link {
	var out []Link
	for _, c := range s.credentials.List(keep) {
		if f, ok := s.federations.Get(c.FederationId); ok {
			out = append(out, Link{Credential: c, Federation: f})
		}
	}
	return out
}

// Link is a credential and the federation it is of.
type Link struct {
	Credential *workload.FederatedCredential
	Federation *oidc.Federation
}

// SecretOf returns the secret of a static access key and whose key it is.
func (s *IAM) SecretOf(accessKeyID string) (secret string, subject access.Subject, ok bool) {
	keys := s.accessKeys.List(func(k *awscompatibility.AccessKey) bool { return k.KeyId == accessKeyID })
	if len(keys) == 0 {
		return "", access.Subject{}, false
	}
	subject = access.Subject{Type: access.ServiceAccount, ID: keys[0].ServiceAccountId}
	if s.inactive(subject) != "" {
		return "", access.Subject{}, false
	}
	secret, ok = s.secrets.Get(accessKeyID)
	return secret, subject, ok
}
