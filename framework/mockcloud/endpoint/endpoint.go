// Package endpoint is the discovery of the mock cloud: which service answers at
// which address (ApiEndpointService, and GET /endpoints through REST).
package endpoint

import (
	"context"
	"net"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"google.golang.org/grpc/metadata"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// Addresses by the ids of the documentation's table of API endpoints.
type Addresses struct {
	// API answers every gRPC and REST service ("127.1.2.3:443").
	API string
	// Storage answers the S3 API.
	Storage string
}

// hosts are the ids that clients of the mock's services look for, with the
// real host names that the mock's certificates also carry.
var hosts = []struct{ id, host string }{
	{"endpoint", "api.cloud.yandex.net"},
	{"iam", "iam.api.cloud.yandex.net"},
	{"operation", "operation.api.cloud.yandex.net"},
	{"resource-manager", "resource-manager.api.cloud.yandex.net"},
	{"resourcemanager", "resource-manager.api.cloud.yandex.net"},
	{"vpc", "vpc.api.cloud.yandex.net"},
	{"compute", "compute.api.cloud.yandex.net"},
	{"k8s", "mks.api.cloud.yandex.net"},
	{"managed-kubernetes", "mks.api.cloud.yandex.net"},
	{"lockbox", "lockbox.api.cloud.yandex.net"},
	{"lockbox-payload", "payload.lockbox.api.cloud.yandex.net"},
	{"kms", "kms.api.cloud.yandex.net"},
	{"kms-crypto", "kms.yandex"},
	{"storage", StorageHost},
	{"storage-api", "storage.api.cloud.yandex.net"},
	{"billing", "billing.api.cloud.yandex.net"},
	{"quota-manager", "quota-manager.api.cloud.yandex.net"},
	{"quotamanager", "quota-manager.api.cloud.yandex.net"},
	{"organization-manager", "organization-manager.api.cloud.yandex.net"},
}

// Host names outside the table.
const (
	// AuthHost is the token endpoint's, which discovery does not list.
	AuthHost = "auth.yandex.cloud"
	// StorageHost is the S3 API's; buckets are also names below it.
	StorageHost = "storage.yandexcloud.net"
)

// Hosts lists all real host names that the mock answers for.
func Hosts() []string {
	out := []string{AuthHost}
	seen := map[string]bool{}
	for _, h := range hosts {
		if !seen[h.host] {
			out = append(out, h.host)
			seen[h.host] = true
		}
	}
	return out
}

type server struct {
	endpoint.UnimplementedApiEndpointServiceServer
	k *kernel.Kernel
	// list has the mock's addresses, real the cloud's own.
	list, real []*endpoint.ApiEndpoint
}

// Services is the discovery service.
func Services(k *kernel.Kernel, at Addresses) []kernel.Service {
	s := &server{k: k}
	for _, h := range hosts {
		address := at.API
		if h.id == "storage" {
			address = at.Storage
		}
		s.list = append(s.list, &endpoint.ApiEndpoint{Id: h.id, Address: address})
		s.real = append(s.real, &endpoint.ApiEndpoint{Id: h.id, Address: h.host + ":443"})
	}
	return []kernel.Service{{Desc: &endpoint.ApiEndpointService_ServiceDesc, Impl: s,
		Rules: map[string]kernel.Rule{"Get": kernel.Public(), "List": kernel.Public()}}}
}

// endpoints are the cloud's own for who found the mock under a real name, as pods do:
// the mock's addresses may be out of reach there.
func (s *server) endpoints(ctx context.Context) []*endpoint.ApiEndpoint {
	// The second is the REST gateway's.
	for _, key := range []string{":authority", "x-forwarded-host"} {
		for _, name := range metadata.ValueFromIncomingContext(ctx, key) {
			if host, _, err := net.SplitHostPort(name); err == nil {
				name = host
			}
			if slices.Contains(Hosts(), name) {
				return s.real
			}
		}
	}
	return s.list
}

func (s *server) Get(ctx context.Context, req *endpoint.GetApiEndpointRequest) (*endpoint.ApiEndpoint, error) {
	for _, e := range s.endpoints(ctx) {
		if e.Id == req.ApiEndpointId {
			return e, nil
		}
	}
	return nil, s.k.NotFound("endpoint.endpoint", req.ApiEndpointId)
}

// List answers with everything on one page unless a smaller one is asked for:
// the official SDKs read only the first.
func (s *server) List(ctx context.Context, req *endpoint.ListApiEndpointsRequest) (*endpoint.ListApiEndpointsResponse, error) {
	page, next, err := kernel.Page(s.endpoints(ctx), req, (*endpoint.ApiEndpoint).GetId)
	return &endpoint.ListApiEndpointsResponse{Endpoints: page, NextPageToken: next}, err
}
