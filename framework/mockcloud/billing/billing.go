// Package billing is the mock's Billing as far as a run looks at it before it
// spends money (yandex/cloud/billing/v1): one account, that of all clouds.
package billing

import (
	"context"

	billingpb "github.com/yandex-cloud/go-genproto/yandex/cloud/billing/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// KindAccount is the kind of billing accounts; roles are granted on the account
// itself (docs: "Access management in Billing").
const KindAccount = "billing.account"

const (
	prefix        = "dn2"
	permissionGet = "billing.accounts.get"
	kindCloud     = "resource-manager.cloud"
)

// Billing holds the account.
type Billing struct {
	k        *kernel.Kernel
	accounts *state.Table[*billingpb.BillingAccount]
}

// New makes the service, and the account unless the state has it.
func New(k *kernel.Kernel) (*Billing, error) {
	s := &Billing{k: k, accounts: state.NewTable[*billingpb.BillingAccount](k.Store, KindAccount)}
	if len(s.accounts.List(nil)) > 0 {
		return s, nil
	}
	return s, s.accounts.Insert(&billingpb.BillingAccount{
		Id: kernel.NewID(prefix), Name: "mock", CreatedAt: timestamppb.New(k.Clock.Now()), CountryCode: "RU", Currency: "RUB", Balance: "1000000",
	}, nil)
}

// Account is the account: the place for the role billing.accounts.viewer.
func (s *Billing) Account() state.Ref {
	return state.Ref{Type: KindAccount, ID: s.accounts.List(nil)[0].Id}
}

// Services are the gRPC services with their rules.
func (s *Billing) Services() []kernel.Service {
	return []kernel.Service{{Desc: &billingpb.BillingAccountService_ServiceDesc, Impl: &server{Billing: s}, Rules: map[string]kernel.Rule{
		"Get":                        kernel.Needs(permissionGet, KindAccount, "id"),
		"List":                       kernel.AnyCaller(), // shows the accounts that the caller may see
		"ListBillableObjectBindings": kernel.Needs(permissionGet, KindAccount, "billing_account_id"),
	}}}
}

type server struct {
	billingpb.UnimplementedBillingAccountServiceServer
	*Billing
}

// shown says whether the account can pay. The words of the console ("Active",
// "Trial", "Suspended") are not in the API: its message has only the flag.
func (s *server) shown(a *billingpb.BillingAccount) *billingpb.BillingAccount {
	switch s.k.Settings.Get().BillingState {
	case "ACTIVE", "TRIAL_ACTIVE":
		a.Active = true
	}
	return a
}

func (s *server) Get(_ context.Context, req *billingpb.GetBillingAccountRequest) (*billingpb.BillingAccount, error) {
	a, ok := s.accounts.Get(req.Id)
	if !ok {
		return nil, s.k.NotFound(KindAccount, req.Id)
	}
	return s.shown(a), nil
}

func (s *server) List(ctx context.Context, req *billingpb.ListBillingAccountsRequest) (*billingpb.ListBillingAccountsResponse, error) {
	var rows []*billingpb.BillingAccount
	for _, a := range s.accounts.List(nil) {
		if s.k.Allowed(ctx, permissionGet, state.Ref{Type: KindAccount, ID: a.Id}) {
			rows = append(rows, s.shown(a))
		}
	}
	page, next, err := kernel.Page(rows, req, (*billingpb.BillingAccount).GetId)
	return &billingpb.ListBillingAccountsResponse{BillingAccounts: page, NextPageToken: next}, err
}

// ListBillableObjectBindings: every cloud is bound to the account.
func (s *server) ListBillableObjectBindings(_ context.Context, req *billingpb.ListBillableObjectBindingsRequest) (*billingpb.ListBillableObjectBindingsResponse, error) {
	var rows []*billingpb.BillableObjectBinding
	for _, m := range s.k.Store.Inventory() {
		if m.Type == kindCloud {
			rows = append(rows, &billingpb.BillableObjectBinding{
				EffectiveTime: timestamppb.New(m.CreatedAt), BillableObject: &billingpb.BillableObject{Id: m.ID, Type: "cloud"},
			})
		}
	}
	page, next, err := kernel.Page(rows, req, func(b *billingpb.BillableObjectBinding) string { return b.BillableObject.Id })
	return &billingpb.ListBillableObjectBindingsResponse{BillableObjectBindings: page, NextPageToken: next}, err
}
