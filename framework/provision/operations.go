package provision

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// operationPage is what the lists of the operations on any resource answer.
type operationPage interface {
	GetOperations() []*operation.Operation
	GetNextPageToken() string
}

// unfinished reads all pages of a list of operations and keeps those that go on.
func unfinished[P operationPage](list func(page string) (P, error)) ([]*operation.Operation, error) {
	all, err := cloud.All(func(page string) ([]*operation.Operation, string, error) {
		found, err := list(page)
		return found.GetOperations(), found.GetNextPageToken(), err
	})
	var out []*operation.Operation
	for _, op := range all {
		if !op.GetDone() {
			out = append(out, op)
		}
	}
	return out, err
}

func networkOperations(ctx context.Context, c *cloud.Client, id string) ([]*operation.Operation, error) {
	return unfinished(func(page string) (*vpc.ListNetworkOperationsResponse, error) {
		return c.Networks().ListOperations(ctx, &vpc.ListNetworkOperationsRequest{NetworkId: id, PageSize: pageSize, PageToken: page})
	})
}

func gatewayOperations(ctx context.Context, c *cloud.Client, id string) ([]*operation.Operation, error) {
	return unfinished(func(page string) (*vpc.ListGatewayOperationsResponse, error) {
		return c.Gateways().ListOperations(ctx, &vpc.ListGatewayOperationsRequest{GatewayId: id, PageSize: pageSize, PageToken: page})
	})
}

func routeTableOperations(ctx context.Context, c *cloud.Client, id string) ([]*operation.Operation, error) {
	return unfinished(func(page string) (*vpc.ListRouteTableOperationsResponse, error) {
		return c.RouteTables().ListOperations(ctx, &vpc.ListRouteTableOperationsRequest{RouteTableId: id, PageSize: pageSize, PageToken: page})
	})
}

func subnetOperations(ctx context.Context, c *cloud.Client, id string) ([]*operation.Operation, error) {
	return unfinished(func(page string) (*vpc.ListSubnetOperationsResponse, error) {
		return c.Subnets().ListOperations(ctx, &vpc.ListSubnetOperationsRequest{SubnetId: id, PageSize: pageSize, PageToken: page})
	})
}

func securityGroupOperations(ctx context.Context, c *cloud.Client, id string) ([]*operation.Operation, error) {
	return unfinished(func(page string) (*vpc.ListSecurityGroupOperationsResponse, error) {
		return c.SecurityGroups().ListOperations(ctx, &vpc.ListSecurityGroupOperationsRequest{SecurityGroupId: id, PageSize: pageSize, PageToken: page})
	})
}

func clusterOperations(ctx context.Context, c *cloud.Client, id string) ([]*operation.Operation, error) {
	return unfinished(func(page string) (*k8s.ListClusterOperationsResponse, error) {
		return c.Clusters().ListOperations(ctx, &k8s.ListClusterOperationsRequest{ClusterId: id, PageSize: pageSize, PageToken: page})
	})
}

func nodeGroupOperations(ctx context.Context, c *cloud.Client, id string) ([]*operation.Operation, error) {
	return unfinished(func(page string) (*k8s.ListNodeGroupOperationsResponse, error) {
		return c.NodeGroups().ListOperations(ctx, &k8s.ListNodeGroupOperationsRequest{NodeGroupId: id, PageSize: pageSize, PageToken: page})
	})
}
