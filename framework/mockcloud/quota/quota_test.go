package quota_test

import (
	"context"
	"testing"

	lockboxpb "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	quotapb "github.com/yandex-cloud/go-genproto/yandex/cloud/quotamanager/v1"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gatetest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/lockbox"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/quota"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

type cloud struct {
	*gatetest.Cloud
	limits   quotapb.QuotaLimitServiceClient
	viewer   context.Context
	resource *quotapb.Resource
}

func start(t *testing.T) *cloud {
	c := &cloud{Cloud: gatetest.Start(t, func(k *kernel.Kernel) []kernel.Service {
		return append(quota.Services(k), lockbox.New(k, nil).Services()...)
	})}
	c.limits = quotapb.NewQuotaLimitServiceClient(c.Conn)
	c.resource = &quotapb.Resource{Id: c.CloudID, Type: "resource-manager.cloud"}
	viewer := c.Subject()
	c.Grant(viewer, "quota-manager.viewer", state.Ref{Type: "resource-manager.cloud", ID: c.CloudID})
	c.viewer = c.As(viewer)
	return c
}

func TestUsageIsCounted(t *testing.T) {
	c := start(t)
	secrets, admin := lockboxpb.NewSecretServiceClient(c.Conn), c.With("lockbox.admin")
	for range 2 {
		op, err := secrets.Create(admin, &lockboxpb.CreateSecretRequest{FolderId: c.Folder})
		gatetest.Done[*lockboxpb.Secret](t, op, err)
	}
	for metric, want := range map[string]struct{ limit, usage float64 }{
		"lockbox.secrets.count":        {10000, 2},
		"iam.accessBindings.count":     {1000, 2},
		"iam.oidcWLIFederations.count": {50, 0},
		"vpc.networks.count":           {20, 0},
	} {
		got, err := c.limits.Get(c.viewer, &quotapb.GetQuotaLimitRequest{Resource: c.resource, QuotaId: metric})
		if err != nil || got.Limit.GetValue() != want.limit || got.Usage.GetValue() != want.usage {
			t.Errorf("%s: %v, %v", metric, got, err)
		}
	}
	_, err := c.limits.Get(c.viewer, &quotapb.GetQuotaLimitRequest{Resource: c.resource, QuotaId: "lockbox.nothing.count"})
	c.Refused(err, codes.NotFound, "api/not-found")
	_, err = c.limits.Get(c.viewer, &quotapb.GetQuotaLimitRequest{Resource: &quotapb.Resource{Id: c.CloudID, Type: "billing.account"}, QuotaId: "lockbox.secrets.count"})
	c.Refused(err, codes.InvalidArgument, "answer:InvalidArgument")
	_, err = c.limits.Get(c.With("lockbox.admin"), &quotapb.GetQuotaLimitRequest{Resource: c.resource, QuotaId: "lockbox.secrets.count"})
	c.Refused(err, codes.PermissionDenied, "permission:quota-manager.quotas.get")
}

func TestLimitsOfAService(t *testing.T) {
	c := start(t)
	var ids []string
	for _, s := range []string{"iam", "lockbox", "vpc", "managed-kubernetes"} {
		got, err := c.limits.List(c.viewer, &quotapb.ListQuotaLimitsRequest{Resource: c.resource, Service: s})
		if err != nil || len(got.QuotaLimits) == 0 {
			t.Errorf("%s: %v, %v", s, got, err)
		}
		for _, l := range got.GetQuotaLimits() {
			ids = append(ids, l.QuotaId)
		}
	}
	if all := c.K.Settings.Get().Quotas; len(ids) != len(all) {
		t.Errorf("listed %v of %v", ids, all)
	}
	first, err := c.limits.ListServices(c.viewer, &quotapb.ListServicesRequest{ResourceType: "resource-manager.cloud", PageSize: 1})
	if err != nil || len(first.Services) != 1 || first.Services[0].Id != "iam" || first.NextPageToken == "" {
		t.Errorf("%v, %v", first, err)
	}
	rest, err := c.limits.ListServices(c.viewer, &quotapb.ListServicesRequest{ResourceType: "resource-manager.cloud", PageToken: first.GetNextPageToken()})
	if err != nil || len(rest.Services) != 3 || rest.NextPageToken != "" {
		t.Errorf("%v, %v", rest, err)
	}
}
