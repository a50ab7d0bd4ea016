package vpc

import (
	"context"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/validate"
)

type gatewayService struct {
	pb.UnimplementedGatewayServiceServer
	v *VPC
}

func gatewayRules() map[string]kernel.Rule {
	return map[string]kernel.Rule{
		"Get":            kernel.Needs("vpc.gateways.get", KindGateway, "gateway_id"),
		"List":           kernel.Needs("vpc.gateways.list", kindFolder, "folder_id"),
		"Create":         kernel.Needs("vpc.gateways.create", kindFolder, "folder_id"),
		"Update":         kernel.Needs("vpc.gateways.update", KindGateway, "gateway_id"),
		"Delete":         kernel.Needs("vpc.gateways.delete", KindGateway, "gateway_id"),
		"ListOperations": kernel.Needs("vpc.gateways.get", KindGateway, "gateway_id"),
	}
}

func (s gatewayService) Get(_ context.Context, req *pb.GetGatewayRequest) (*pb.Gateway, error) {
	return s.v.gateways.get(req.GatewayId)
}

func (s gatewayService) List(_ context.Context, req *pb.ListGatewaysRequest) (*pb.ListGatewaysResponse, error) {
	rows, next, err := s.v.gateways.list(req)
	return &pb.ListGatewaysResponse{Gateways: rows, NextPageToken: next}, err
}

func (s gatewayService) Create(ctx context.Context, req *pb.CreateGatewayRequest) (*operation.Operation, error) {
	var vs []validate.Violation
	if req.Gateway == nil {
		vs = append(vs, validate.Violation{Field: "gateway", Text: "One of the options must be selected"})
	}
	if err := s.v.gateways.rules.check(req, vs...); err != nil {
		return nil, err
	}
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	row := &pb.Gateway{
		Id: kernel.NewID(kernel.PrefixNetwork), FolderId: req.FolderId, CreatedAt: s.v.now(),
		Name: req.Name, Description: req.Description, Labels: req.Labels,
		Gateway: &pb.Gateway_SharedEgressGateway{SharedEgressGateway: &pb.SharedEgressGateway{}},
	}
	return s.v.gateways.create(ctx, row, "vpc.gateways.count", &pb.CreateGatewayMetadata{GatewayId: row.Id})
}

func (s gatewayService) Update(ctx context.Context, req *pb.UpdateGatewayRequest) (*operation.Operation, error) {
	// There is nothing in the gateway's specification that could be changed.
	rename := map[string]string{"shared_egress_gateway_spec": ""}
	return s.v.gateways.update(ctx, req.GatewayId, req, rename, &pb.UpdateGatewayMetadata{GatewayId: req.GatewayId}, nil)
}

func (s gatewayService) Delete(ctx context.Context, req *pb.DeleteGatewayRequest) (*operation.Operation, error) {
	refuse := func(row *pb.Gateway) error {
		through := func(r *pb.StaticRoute) bool { return r.GetGatewayId() == row.Id }
		if len(s.v.tables.table.List(func(t *pb.RouteTable) bool { return slices.ContainsFunc(t.StaticRoutes, through) })) > 0 {
			return s.v.gateways.inUse(row.Id)
		}
		return nil
	}
	return s.v.gateways.remove(ctx, req.GatewayId, &pb.DeleteGatewayMetadata{GatewayId: req.GatewayId}, refuse, nil)
}

func (s gatewayService) ListOperations(_ context.Context, req *pb.ListGatewayOperationsRequest) (*pb.ListGatewayOperationsResponse, error) {
	ops, next, err := s.v.gateways.operations(req.GatewayId, req)
	return &pb.ListGatewayOperationsResponse{Operations: ops, NextPageToken: next}, err
}

// without is have less every element of gone.
func without(have, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(have), func(x string) bool { return slices.Contains(gone, x) })
}
