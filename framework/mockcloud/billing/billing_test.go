package billing_test

import (
	"testing"

	billingpb "github.com/yandex-cloud/go-genproto/yandex/cloud/billing/v1"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/billing"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gatetest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

func TestTheAccountSaysWhetherItCanPay(t *testing.T) {
	var s *billing.Billing
	c := gatetest.Start(t, func(k *kernel.Kernel) []kernel.Service {
		var err error
		if s, err = billing.New(k); err != nil {
			t.Fatal(err)
		}
		return s.Services()
	})
	accounts := billingpb.NewBillingAccountServiceClient(c.Conn)
	viewer := c.Subject()
	c.Grant(viewer, "billing.accounts.viewer", s.Account())
	for state, active := range map[string]bool{"ACTIVE": true, "TRIAL_ACTIVE": true, "SUSPENDED": false, "PAYMENT_REQUIRED": false} {
		c.K.Settings.Change(func(s *settings.Settings) { s.BillingState = state })
		list, err := accounts.List(c.As(viewer), &billingpb.ListBillingAccountsRequest{})
		if err != nil || len(list.BillingAccounts) != 1 || list.BillingAccounts[0].Active != active {
			t.Errorf("%s: %v, %v", state, list, err)
		}
		got, err := accounts.Get(c.As(viewer), &billingpb.GetBillingAccountRequest{Id: s.Account().ID})
		if err != nil || got.Active != active || got.Currency != "RUB" {
			t.Errorf("%s: %v, %v", state, got, err)
		}
	}
	bound, err := accounts.ListBillableObjectBindings(c.As(viewer), &billingpb.ListBillableObjectBindingsRequest{BillingAccountId: s.Account().ID})
	if err != nil || len(bound.BillableObjectBindings) != 1 || bound.BillableObjectBindings[0].BillableObject.Id != c.CloudID {
		t.Errorf("%v, %v", bound, err)
	}
	// A role on a folder says nothing of the account.
	stranger := c.With("billing.accounts.viewer")
	_, err = accounts.Get(stranger, &billingpb.GetBillingAccountRequest{Id: s.Account().ID})
	c.Refused(err, codes.PermissionDenied, "permission:billing.accounts.get")
	if list, err := accounts.List(stranger, &billingpb.ListBillingAccountsRequest{}); err != nil || len(list.BillingAccounts) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	_, err = accounts.BindBillableObject(c.As(viewer), &billingpb.BindBillableObjectRequest{BillingAccountId: s.Account().ID})
	c.Refused(err, codes.Unimplemented, "unimplemented")
}
