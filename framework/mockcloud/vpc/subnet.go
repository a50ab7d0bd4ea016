package vpc

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

type subnetService struct {
	pb.UnimplementedSubnetServiceServer
	v *VPC
}

func subnetRules() map[string]kernel.Rule {
	return map[string]kernel.Rule{
		"Get":  kernel.Needs("vpc.subnets.get", KindSubnet, "subnet_id"),
		"List": kernel.Needs("vpc.subnets.list", kindFolder, "folder_id"),
		"Create": kernel.Needs("vpc.subnets.create", kindFolder, "folder_id").And("vpc.networks.use", KindNetwork, "network_id").
			AndIfSet("vpc.routeTables.use", KindRouteTable, "route_table_id"),
		"Update":           kernel.Needs("vpc.subnets.update", KindSubnet, "subnet_id").AndIfSet("vpc.routeTables.use", KindRouteTable, "route_table_id"),
		"AddCidrBlocks":    kernel.Needs("vpc.subnets.update", KindSubnet, "subnet_id"),
		"RemoveCidrBlocks": kernel.Needs("vpc.subnets.update", KindSubnet, "subnet_id"),
		"Delete":           kernel.Needs("vpc.subnets.delete", KindSubnet, "subnet_id"),
		"ListOperations":   kernel.Needs("vpc.subnets.get", KindSubnet, "subnet_id"),
	}
}

func (s subnetService) Get(_ context.Context, req *pb.GetSubnetRequest) (*pb.Subnet, error) {
	return s.v.subnets.get(req.SubnetId)
}

func (s subnetService) List(_ context.Context, req *pb.ListSubnetsRequest) (*pb.ListSubnetsResponse, error) {
	rows, next, err := s.v.subnets.list(req)
	return &pb.ListSubnetsResponse{Subnets: rows, NextPageToken: next}, err
}

func (s subnetService) Create(ctx context.Context, req *pb.CreateSubnetRequest) (*operation.Operation, error) {
	if err := s.v.subnets.rules.check(req, required("zone_id", req.ZoneId == "")...); err != nil {
		return nil, err
	}
	if err := s.v.zone(req.ZoneId); err != nil {
		return nil, err
	}
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	if _, err := s.v.networks.use(req.NetworkId); err != nil {
		return nil, err
	}
	row := &pb.Subnet{
		Id: kernel.NewID(kernel.PrefixNetwork), FolderId: req.FolderId, CreatedAt: s.v.now(),
		Name: req.Name, Description: req.Description, Labels: req.Labels,
		NetworkId: req.NetworkId, ZoneId: req.ZoneId, V4CidrBlocks: req.V4CidrBlocks,
		RouteTableId: req.RouteTableId, DhcpOptions: req.DhcpOptions,
	}
	if err := s.settle(row); err != nil {
		return nil, err
	}
	return s.v.subnets.create(ctx, row, "vpc.subnets.count", &pb.CreateSubnetMetadata{SubnetId: row.Id})
}

// settle checks the blocks and the route table of a subnet. The VPC is locked.
func (s subnetService) settle(row *pb.Subnet) error {
	blocks, vs := prefixes("v4_cidr_blocks", row.V4CidrBlocks)
	for i, p := range blocks {
		for _, q := range blocks[:i] {
			if p.Overlaps(q) && len(vs) == 0 {
				return s.v.k.Guess("vpc/cidr-overlap", p.String(), row.Id)
			}
		}
	}
	if err := kernel.Invalid(vs...); err != nil {
		return err
	}
	for _, other := range s.v.subnets.table.List(func(x *pb.Subnet) bool { return x.NetworkId == row.NetworkId && x.Id != row.Id }) {
		taken, _ := prefixes("v4_cidr_blocks", other.V4CidrBlocks)
		for _, q := range taken {
			for _, p := range blocks {
				if p.Overlaps(q) {
					return s.v.k.Guess("vpc/cidr-overlap", p.String(), other.Id)
				}
			}
		}
	}
	if row.RouteTableId == "" {
		return nil
	}
	table, err := s.v.tables.use(row.RouteTableId)
	if err == nil && table.NetworkId != row.NetworkId {
		err = s.v.k.Guess("vpc/other-network", s.v.tables.title(table.Id))
	}
	return err
}

func (s subnetService) Update(ctx context.Context, req *pb.UpdateSubnetRequest) (*operation.Operation, error) {
	return s.v.subnets.update(ctx, req.SubnetId, req, nil, &pb.UpdateSubnetMetadata{SubnetId: req.SubnetId}, s.settle)
}

func (s subnetService) AddCidrBlocks(ctx context.Context, req *pb.AddSubnetCidrBlocksRequest) (*operation.Operation, error) {
	return s.changeBlocks(ctx, req.SubnetId, func(have []string) []string { return append(have, req.V4CidrBlocks...) })
}

func (s subnetService) RemoveCidrBlocks(ctx context.Context, req *pb.RemoveSubnetCidrBlocksRequest) (*operation.Operation, error) {
	return s.changeBlocks(ctx, req.SubnetId, func(have []string) []string { return without(have, req.V4CidrBlocks) })
}

func (s subnetService) changeBlocks(ctx context.Context, id string, change func([]string) []string) (*operation.Operation, error) {
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	row, err := s.v.subnets.idle(id)
	if err != nil {
		return nil, err
	}
	row.V4CidrBlocks = change(row.V4CidrBlocks)
	if err := s.settle(row); err != nil {
		return nil, err
	}
	return s.v.subnets.change(ctx, row, &pb.UpdateSubnetMetadata{SubnetId: id})
}

func (s subnetService) Delete(ctx context.Context, req *pb.DeleteSubnetRequest) (*operation.Operation, error) {
	refuse := func(row *pb.Subnet) error {
		if len(s.v.addressesIn(row.Id)) > 0 {
			return s.v.subnets.inUse(row.Id)
		}
		return nil
	}
	return s.v.subnets.remove(ctx, req.SubnetId, &pb.DeleteSubnetMetadata{SubnetId: req.SubnetId}, refuse, nil)
}

func (s subnetService) ListOperations(_ context.Context, req *pb.ListSubnetOperationsRequest) (*pb.ListSubnetOperationsResponse, error) {
	ops, next, err := s.v.subnets.operations(req.SubnetId, req)
	return &pb.ListSubnetOperationsResponse{Operations: ops, NextPageToken: next}, err
}
