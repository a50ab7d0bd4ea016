package diagnose

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/billing/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/quotamanager/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Billing is who pays for a cloud.
type Billing struct {
	CloudID  string
	Accounts []Payer
	// Err says why the accounts could not be looked at.
	Err error
}

// Payer is a billing account that the caller sees.
type Payer struct {
	ID, Name string
	Active   bool
	// PaysForCloud: the cloud is bound to it.
	PaysForCloud bool
}

// ReadBilling looks at the billing accounts that the caller sees.
func ReadBilling(ctx context.Context, c *cloud.Client, cloudID string) Billing {
	b := Billing{CloudID: cloudID}
	service := billing.NewBillingAccountServiceClient(c.Conn())
	accounts, err := cloud.All(func(token string) ([]*billing.BillingAccount, string, error) {
		r, err := service.List(ctx, &billing.ListBillingAccountsRequest{PageToken: token})
		return r.GetBillingAccounts(), r.GetNextPageToken(), err
	})
	if err != nil {
		b.Err = cloud.While(err, "listing the billing accounts")
		return b
	}
	for _, a := range accounts {
		bound, err := cloud.All(func(token string) ([]*billing.BillableObjectBinding, string, error) {
			r, err := service.ListBillableObjectBindings(ctx, &billing.ListBillableObjectBindingsRequest{BillingAccountId: a.GetId(), PageToken: token})
			return r.GetBillableObjectBindings(), r.GetNextPageToken(), err
		})
		if err != nil {
			b.Err = cloud.While(err, "listing what the billing account "+a.GetId()+" pays for")
			return b
		}
		b.Accounts = append(b.Accounts, Payer{ID: a.GetId(), Name: a.GetName(), Active: a.GetActive(),
			PaysForCloud: slices.ContainsFunc(bound, func(x *billing.BillableObjectBinding) bool { return x.GetBillableObject().GetId() == cloudID })})
	}
	return b
}

// Findings judge them. The API tells an account that is ACTIVE or TRIAL_ACTIVE from
// others by one flag.
func (b Billing) Findings() []Finding {
	const what = "billing account"
	if b.Err != nil {
		return []Finding{blind(what, b.Err)}
	}
	for _, a := range b.Accounts {
		switch {
		case !a.PaysForCloud:
		case a.Active:
			return []Finding{fine(what, "%s (%s) pays for the cloud %s and is active", a.ID, a.Name, b.CloudID)}
		default:
			return []Finding{mistake(what, BillingInactive, "%s (%s) pays for the cloud %s and is not active", a.ID, a.Name, b.CloudID).
				saying("See on the page Billing of the cloud's console that its state is ACTIVE or TRIAL_ACTIVE: link a card, pay what is owed, or upgrade a trial that has ended.")}
		}
	}
	return []Finding{unseen(what, "none is seen that pays for the cloud "+b.CloudID+"; its owner, or the role billing.accounts.viewer on it, sees it")}
}

// Quota is a limit, and how much more of it is needed.
type Quota struct {
	Metric       string
	Limit, Usage float64
	Need         int
}

// Quotas are the limits of a cloud.
type Quotas struct {
	Limits []Quota
	// Unlisted are metrics that are needed and that the cloud does not name.
	Unlisted []string
	// Errs say why the quotas of a service could not be looked at.
	Errs map[string]error
}

// ReadQuotas looks at the limits of a cloud by metric.
func ReadQuotas(ctx context.Context, c *cloud.Client, cloudID string, need map[string]int) Quotas {
	q := Quotas{Errs: map[string]error{}}
	service := quotamanager.NewQuotaLimitServiceClient(c.Conn())
	byService := map[string][]string{}
	for _, metric := range slices.Sorted(maps.Keys(need)) {
		name, _, _ := strings.Cut(metric, ".")
		byService[name] = append(byService[name], metric)
	}
	for name, metrics := range byService {
		limits, err := cloud.All(func(token string) ([]*quotamanager.QuotaLimit, string, error) {
			r, err := service.List(ctx, &quotamanager.ListQuotaLimitsRequest{
				Resource: &quotamanager.Resource{Id: cloudID, Type: "resource-manager.cloud"}, Service: name, PageToken: token})
			return r.GetQuotaLimits(), r.GetNextPageToken(), err
		})
		if err != nil {
			q.Errs[name] = cloud.While(err, "listing the quotas of "+name)
			continue
		}
		for _, metric := range metrics {
			at := slices.IndexFunc(limits, func(l *quotamanager.QuotaLimit) bool { return l.GetQuotaId() == metric && l.GetLimit() != nil })
			if at < 0 {
				q.Unlisted = append(q.Unlisted, metric)
				continue
			}
			q.Limits = append(q.Limits, Quota{Metric: metric, Limit: limits[at].GetLimit().GetValue(), Usage: limits[at].GetUsage().GetValue(), Need: need[metric]})
		}
	}
	slices.SortFunc(q.Limits, func(a, b Quota) int { return strings.Compare(a.Metric, b.Metric) })
	return q
}

// Findings judge them.
func (q Quotas) Findings() []Finding {
	var out []Finding
	for _, l := range q.Limits {
		what, state := "quota "+l.Metric, fmt.Sprintf("%g of %g are used, and a run needs %d", l.Usage, l.Limit, l.Need)
		if l.Usage+float64(l.Need) > l.Limit {
			out = append(out, mistake(what, QuotaUsedUp, "%s", state).
				saying("Delete what is not needed (`wlif sweep` lists what earlier runs left), or ask for more of %s on the page Quotas of the cloud's console.", l.Metric))
			continue
		}
		out = append(out, fine(what, "%s", state))
	}
	for _, metric := range q.Unlisted {
		out = append(out, unseen("quota "+metric, "the cloud does not name it"))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Errs)) {
		out = append(out, blind("quotas of "+name, q.Errs[name]))
	}
	return out
}
