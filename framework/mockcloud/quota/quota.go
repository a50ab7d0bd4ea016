// Package quota is the mock's Quota Manager (yandex/cloud/quotamanager/v1): the
// limits that the settings set and the kernel enforces, and how much of each is
// used.
package quota

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	quotapb "github.com/yandex-cloud/go-genproto/yandex/cloud/quotamanager/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// kindCloud is the one type of resource that has limits here: all that the mock
// enforces are a cloud's (docs: "Quotas and limits").
const kindCloud = "resource-manager.cloud"

type server struct {
	quotapb.UnimplementedQuotaLimitServiceServer
	k *kernel.Kernel
}

// Services are the gRPC services with their rules.
func Services(k *kernel.Kernel) []kernel.Service {
	see := kernel.Needs("quota-manager.quotas.get", kindCloud, "resource.id")
	return []kernel.Service{{Desc: &quotapb.QuotaLimitService_ServiceDesc, Impl: &server{k: k}, Rules: map[string]kernel.Rule{
		"Get": see, "List": see, "ListServices": kernel.AnyCaller(),
	}}}
}

func (s *server) Get(_ context.Context, req *quotapb.GetQuotaLimitRequest) (*quotapb.QuotaLimit, error) {
	if err := checkType("resource.type", req.Resource.Type); err != nil {
		return nil, err
	}
	limit, ok := s.k.Settings.Get().Quotas[req.QuotaId]
	if !ok {
		return nil, s.k.NotFound("quota-manager.quotaLimit", req.QuotaId)
	}
	return s.limit(req.QuotaId, limit), nil
}

func (s *server) List(_ context.Context, req *quotapb.ListQuotaLimitsRequest) (*quotapb.ListQuotaLimitsResponse, error) {
	if err := checkType("resource.type", req.Resource.Type); err != nil {
		return nil, err
	}
	quotas := s.k.Settings.Get().Quotas
	var rows []*quotapb.QuotaLimit
	for _, metric := range slices.Sorted(maps.Keys(quotas)) {
		if serviceOf(metric) == req.Service {
			rows = append(rows, s.limit(metric, quotas[metric]))
		}
	}
	page, next, err := kernel.Page(rows, req, (*quotapb.QuotaLimit).GetQuotaId)
	return &quotapb.ListQuotaLimitsResponse{Resource: req.Resource, QuotaLimits: page, NextPageToken: next}, err
}

// names of services, as the documentation writes them.
var names = map[string]string{
	"iam": "Identity and Access Management", "lockbox": "Lockbox", "vpc": "Virtual Private Cloud", "managed-kubernetes": "Managed Service for Kubernetes",
}

func (s *server) ListServices(_ context.Context, req *quotapb.ListServicesRequest) (*quotapb.ListServicesResponse, error) {
	if err := checkType("resource_type", req.ResourceType); err != nil {
		return nil, err
	}
	var rows []*quotapb.Service
	for metric := range s.k.Settings.Get().Quotas {
		id := serviceOf(metric)
		rows = append(rows, &quotapb.Service{Id: id, Name: cmp.Or(names[id], id)})
	}
	slices.SortFunc(rows, func(a, b *quotapb.Service) int { return cmp.Compare(a.Id, b.Id) })
	rows = slices.CompactFunc(rows, func(a, b *quotapb.Service) bool { return a.Id == b.Id })
	page, next, err := kernel.Page(rows, req, (*quotapb.Service).GetId)
	return &quotapb.ListServicesResponse{Services: page, NextPageToken: next}, err
}

func checkType(field, kind string) error {
	if kind != kindCloud {
		return kernel.Errorf(codes.InvalidArgument, "Validation failed:\n  - %s: Only %s has quotas", field, kindCloud)
	}
	return nil
}

func serviceOf(metric string) string {
	service, _, _ := strings.Cut(metric, ".")
	return service
}

func (s *server) limit(metric string, limit int64) *quotapb.QuotaLimit {
	return &quotapb.QuotaLimit{QuotaId: metric, Limit: wrapperspb.Double(float64(limit)), Usage: wrapperspb.Double(float64(s.usage(metric)))}
}

// usage counts over all that the mock has, as its services do when they enforce
// a limit.
func (s *server) usage(metric string) int {
	if metric == "iam.accessBindings.count" {
		return s.k.Bindings.Count()
	}
	kind, n := kindOf(metric), 0
	for _, m := range s.k.Store.Inventory() {
		if m.Type == kind {
			n++
		}
	}
	return n
}

// kindOf is the kind of resource that a metric counts: "lockbox.secrets.count" is
// of "lockbox.secret".
func kindOf(metric string) string {
	switch metric {
	case "iam.oidcWLIFederations.count":
		return "iam.workloadIdentityFederation"
	case "iam.saFederatedCredentials.count":
		return "iam.federatedCredential"
	}
	return strings.TrimSuffix(strings.TrimSuffix(metric, ".count"), "s")
}
