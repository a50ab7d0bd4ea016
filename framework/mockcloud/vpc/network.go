package vpc

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

type networkService struct {
	pb.UnimplementedNetworkServiceServer
	v *VPC
}

func networkRules() map[string]kernel.Rule {
	return map[string]kernel.Rule{
		"Get":                kernel.Needs("vpc.networks.get", KindNetwork, "network_id"),
		"List":               kernel.Needs("vpc.networks.list", kindFolder, "folder_id"),
		"Create":             kernel.Needs("vpc.networks.create", kindFolder, "folder_id"),
		"Update":             kernel.Needs("vpc.networks.update", KindNetwork, "network_id"),
		"Delete":             kernel.Needs("vpc.networks.delete", KindNetwork, "network_id"),
		"ListSubnets":        kernel.Needs("vpc.subnets.list", KindNetwork, "network_id"),
		"ListSecurityGroups": kernel.Needs("vpc.securityGroups.list", KindNetwork, "network_id"),
		"ListRouteTables":    kernel.Needs("vpc.routeTables.list", KindNetwork, "network_id"),
		"ListOperations":     kernel.Needs("vpc.networks.get", KindNetwork, "network_id"),
	}
}

func (s networkService) Get(_ context.Context, req *pb.GetNetworkRequest) (*pb.Network, error) {
	return s.v.networks.get(req.NetworkId)
}

func (s networkService) List(_ context.Context, req *pb.ListNetworksRequest) (*pb.ListNetworksResponse, error) {
	rows, next, err := s.v.networks.list(req)
	return &pb.ListNetworksResponse{Networks: rows, NextPageToken: next}, err
}

// Create makes a network with its default security group.
func (s networkService) Create(ctx context.Context, req *pb.CreateNetworkRequest) (*operation.Operation, error) {
	if err := s.v.networks.rules.check(req); err != nil {
		return nil, err
	}
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	n := &pb.Network{
		Id: kernel.NewID(kernel.PrefixNetwork), FolderId: req.FolderId, CreatedAt: s.v.now(),
		Name: req.Name, Description: req.Description, Labels: req.Labels,
	}
	group := s.v.defaultGroup(n)
	n.DefaultSecurityGroupId = group.Id
	op, err := s.v.networks.create(ctx, n, "vpc.networks.count", &pb.CreateNetworkMetadata{NetworkId: n.Id})
	if err != nil {
		return nil, err
	}
	return op, s.v.groups.table.Insert(group, nil)
}

func (s networkService) Update(ctx context.Context, req *pb.UpdateNetworkRequest) (*operation.Operation, error) {
	return s.v.networks.update(ctx, req.NetworkId, req, nil, &pb.UpdateNetworkMetadata{NetworkId: req.NetworkId}, nil)
}

// Delete refuses a network in which something is, beside its default group.
func (s networkService) Delete(ctx context.Context, req *pb.DeleteNetworkRequest) (*operation.Operation, error) {
	refuse := func(n *pb.Network) error {
		subnets := s.v.subnets.table.List(func(x *pb.Subnet) bool { return x.NetworkId == n.Id })
		tables := s.v.tables.table.List(func(x *pb.RouteTable) bool { return x.NetworkId == n.Id })
		groups := s.v.groups.table.List(func(x *pb.SecurityGroup) bool { return x.NetworkId == n.Id && !x.DefaultForNetwork })
		if len(subnets)+len(tables)+len(groups) > 0 {
			return s.v.networks.inUse(n.Id)
		}
		return nil
	}
	also := func() {
		for _, g := range s.v.groups.table.List(func(x *pb.SecurityGroup) bool { return x.NetworkId == req.NetworkId }) {
			s.v.groups.table.Delete(g.Id)
		}
	}
	return s.v.networks.remove(ctx, req.NetworkId, &pb.DeleteNetworkMetadata{NetworkId: req.NetworkId}, refuse, also)
}

func (s networkService) ListSubnets(_ context.Context, req *pb.ListNetworkSubnetsRequest) (*pb.ListNetworkSubnetsResponse, error) {
	all := s.v.subnets.table.List(func(x *pb.Subnet) bool { return x.NetworkId == req.NetworkId })
	rows, next, err := kernel.Page(all, req, (*pb.Subnet).GetId)
	return &pb.ListNetworkSubnetsResponse{Subnets: rows, NextPageToken: next}, err
}

func (s networkService) ListSecurityGroups(_ context.Context, req *pb.ListNetworkSecurityGroupsRequest) (*pb.ListNetworkSecurityGroupsResponse, error) {
	all := s.v.groups.table.List(func(x *pb.SecurityGroup) bool { return x.NetworkId == req.NetworkId })
	rows, next, err := kernel.Page(all, req, (*pb.SecurityGroup).GetId)
	return &pb.ListNetworkSecurityGroupsResponse{SecurityGroups: rows, NextPageToken: next}, err
}

func (s networkService) ListRouteTables(_ context.Context, req *pb.ListNetworkRouteTablesRequest) (*pb.ListNetworkRouteTablesResponse, error) {
	all := s.v.tables.table.List(func(x *pb.RouteTable) bool { return x.NetworkId == req.NetworkId })
	rows, next, err := kernel.Page(all, req, (*pb.RouteTable).GetId)
	return &pb.ListNetworkRouteTablesResponse{RouteTables: rows, NextPageToken: next}, err
}

func (s networkService) ListOperations(_ context.Context, req *pb.ListNetworkOperationsRequest) (*pb.ListNetworkOperationsResponse, error) {
	ops, next, err := s.v.networks.operations(req.NetworkId, req)
	return &pb.ListNetworkOperationsResponse{Operations: ops, NextPageToken: next}, err
}
