package vpc

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/validate"
)

type routeTableService struct {
	pb.UnimplementedRouteTableServiceServer
	v *VPC
}

func routeTableRules() map[string]kernel.Rule {
	return map[string]kernel.Rule{
		"Get":  kernel.Needs("vpc.routeTables.get", KindRouteTable, "route_table_id"),
		"List": kernel.Needs("vpc.routeTables.list", kindFolder, "folder_id"),
		"Create": kernel.Needs("vpc.routeTables.create", kindFolder, "folder_id").And("vpc.networks.use", KindNetwork, "network_id").
			AndIfSet("vpc.gateways.use", KindGateway, "static_routes.gateway_id"),
		"Update":         kernel.Needs("vpc.routeTables.update", KindRouteTable, "route_table_id").AndIfSet("vpc.gateways.use", KindGateway, "static_routes.gateway_id"),
		"Delete":         kernel.Needs("vpc.routeTables.delete", KindRouteTable, "route_table_id"),
		"ListOperations": kernel.Needs("vpc.routeTables.get", KindRouteTable, "route_table_id"),
	}
}

func (s routeTableService) Get(_ context.Context, req *pb.GetRouteTableRequest) (*pb.RouteTable, error) {
	return s.v.tables.get(req.RouteTableId)
}

func (s routeTableService) List(_ context.Context, req *pb.ListRouteTablesRequest) (*pb.ListRouteTablesResponse, error) {
	rows, next, err := s.v.tables.list(req)
	return &pb.ListRouteTablesResponse{RouteTables: rows, NextPageToken: next}, err
}

func (s routeTableService) Create(ctx context.Context, req *pb.CreateRouteTableRequest) (*operation.Operation, error) {
	if err := s.v.tables.rules.check(req); err != nil {
		return nil, err
	}
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	if _, err := s.v.networks.use(req.NetworkId); err != nil {
		return nil, err
	}
	row := &pb.RouteTable{
		Id: kernel.NewID(kernel.PrefixNetwork), FolderId: req.FolderId, CreatedAt: s.v.now(),
		Name: req.Name, Description: req.Description, Labels: req.Labels,
		NetworkId: req.NetworkId, StaticRoutes: req.StaticRoutes,
	}
	if err := s.settle(row); err != nil {
		return nil, err
	}
	return s.v.tables.create(ctx, row, "vpc.routeTables.count", &pb.CreateRouteTableMetadata{RouteTableId: row.Id})
}

// settle checks the routes of a table. The VPC is locked.
func (s routeTableService) settle(row *pb.RouteTable) error {
	var vs []validate.Violation
	for i, r := range row.StaticRoutes {
		at := fmt.Sprintf("static_routes[%d].", i)
		if p, err := netip.ParsePrefix(r.GetDestinationPrefix()); err != nil || p.Masked() != p {
			vs = append(vs, validate.Violation{Field: at + "destination_prefix", Text: fmt.Sprintf("%q is no CIDR block", r.GetDestinationPrefix())})
		}
		switch hop := r.NextHop.(type) {
		case *pb.StaticRoute_GatewayId:
			if _, err := s.v.gateways.use(hop.GatewayId); err != nil {
				return err
			}
		case *pb.StaticRoute_NextHopAddress:
			if _, err := netip.ParseAddr(hop.NextHopAddress); err != nil {
				vs = append(vs, validate.Violation{Field: at + "next_hop_address", Text: fmt.Sprintf("%q is no IP address", hop.NextHopAddress)})
			}
		default:
			vs = append(vs, validate.Violation{Field: at + "next_hop", Text: "One of the options must be selected"})
		}
	}
	return kernel.Invalid(vs...)
}

func (s routeTableService) Update(ctx context.Context, req *pb.UpdateRouteTableRequest) (*operation.Operation, error) {
	return s.v.tables.update(ctx, req.RouteTableId, req, nil, &pb.UpdateRouteTableMetadata{RouteTableId: req.RouteTableId}, s.settle)
}

func (s routeTableService) Delete(ctx context.Context, req *pb.DeleteRouteTableRequest) (*operation.Operation, error) {
	refuse := func(row *pb.RouteTable) error {
		if len(s.v.subnets.table.List(func(x *pb.Subnet) bool { return x.RouteTableId == row.Id })) > 0 {
			return s.v.tables.inUse(row.Id)
		}
		return nil
	}
	return s.v.tables.remove(ctx, req.RouteTableId, &pb.DeleteRouteTableMetadata{RouteTableId: req.RouteTableId}, refuse, nil)
}

func (s routeTableService) ListOperations(_ context.Context, req *pb.ListRouteTableOperationsRequest) (*pb.ListRouteTableOperationsResponse, error) {
	ops, next, err := s.v.tables.operations(req.RouteTableId, req)
	return &pb.ListRouteTableOperationsResponse{Operations: ops, NextPageToken: next}, err
}
