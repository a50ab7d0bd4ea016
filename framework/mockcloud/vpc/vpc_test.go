package vpc_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gatetest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/vpc"
)

type cloud struct {
	*gatetest.Cloud
	t        *testing.T
	vpc      *vpc.VPC
	admin    context.Context
	networks pb.NetworkServiceClient
	subnets  pb.SubnetServiceClient
	gateways pb.GatewayServiceClient
	tables   pb.RouteTableServiceClient
	groups   pb.SecurityGroupServiceClient
	addrs    pb.AddressServiceClient
}

func start(t *testing.T) *cloud {
	c := &cloud{t: t}
	c.Cloud = gatetest.Start(t, func(k *kernel.Kernel) []kernel.Service {
		c.vpc = vpc.New(k)
		return c.vpc.Services()
	})
	c.admin = c.With("vpc.admin")
	c.networks, c.subnets, c.gateways = pb.NewNetworkServiceClient(c.Conn), pb.NewSubnetServiceClient(c.Conn), pb.NewGatewayServiceClient(c.Conn)
	c.tables, c.groups, c.addrs = pb.NewRouteTableServiceClient(c.Conn), pb.NewSecurityGroupServiceClient(c.Conn), pb.NewAddressServiceClient(c.Conn)
	return c
}

func (c *cloud) network(name string) *pb.Network {
	c.t.Helper()
	op, err := c.networks.Create(c.admin, &pb.CreateNetworkRequest{FolderId: c.Folder, Name: name, Labels: map[string]string{"wlif-run": "r1"}})
	return gatetest.Done[*pb.Network](c.t, op, err)
}

func (c *cloud) subnet(req *pb.CreateSubnetRequest) *pb.Subnet {
	c.t.Helper()
	op, err := c.subnets.Create(c.admin, c.in(req))
	return gatetest.Done[*pb.Subnet](c.t, op, err)
}

func (c *cloud) in(req *pb.CreateSubnetRequest) *pb.CreateSubnetRequest {
	req.FolderId = c.Folder
	if req.ZoneId == "" {
		req.ZoneId = "ru-central1-a"
	}
	return req
}

func (c *cloud) gateway(name string) *pb.Gateway {
	c.t.Helper()
	op, err := c.gateways.Create(c.admin, &pb.CreateGatewayRequest{FolderId: c.Folder, Name: name,
		Gateway: &pb.CreateGatewayRequest_SharedEgressGatewaySpec{SharedEgressGatewaySpec: &pb.SharedEgressGatewaySpec{}}})
	return gatetest.Done[*pb.Gateway](c.t, op, err)
}

func through(gateway string) []*pb.StaticRoute {
	return []*pb.StaticRoute{{Destination: &pb.StaticRoute_DestinationPrefix{DestinationPrefix: "0.0.0.0/0"}, NextHop: &pb.StaticRoute_GatewayId{GatewayId: gateway}}}
}

func (c *cloud) routeTable(network string, routes []*pb.StaticRoute) *pb.RouteTable {
	c.t.Helper()
	op, err := c.tables.Create(c.admin, &pb.CreateRouteTableRequest{FolderId: c.Folder, NetworkId: network, StaticRoutes: routes})
	return gatetest.Done[*pb.RouteTable](c.t, op, err)
}

func rule(d pb.SecurityGroupRule_Direction, protocol string, ports *pb.PortRange, blocks ...string) *pb.SecurityGroupRuleSpec {
	return &pb.SecurityGroupRuleSpec{Direction: d, Ports: ports, Protocol: &pb.SecurityGroupRuleSpec_ProtocolName{ProtocolName: protocol},
		Target: &pb.SecurityGroupRuleSpec_CidrBlocks{CidrBlocks: &pb.CidrBlocks{V4CidrBlocks: blocks}}}
}

func (c *cloud) group(network, name string, rules ...*pb.SecurityGroupRuleSpec) *pb.SecurityGroup {
	c.t.Helper()
	op, err := c.groups.Create(c.admin, &pb.CreateSecurityGroupRequest{FolderId: c.Folder, NetworkId: network, Name: name, RuleSpecs: rules})
	return gatetest.Done[*pb.SecurityGroup](c.t, op, err)
}

// TestTutorialsNetwork makes, changes and deletes everything once; gatetest holds
// each operation against its descriptor.
func TestTutorialsNetwork(t *testing.T) {
	c := start(t)
	n := c.network("net")
	if n.CreatedAt.Nanos != 0 || n.DefaultSecurityGroupId == "" || n.Id[:3] != "enp" || n.Labels["wlif-run"] != "r1" {
		t.Errorf("network is %v", n)
	}
	gw := c.gateway("gw")
	rt := c.routeTable(n.Id, through(gw.Id))
	s := c.subnet(&pb.CreateSubnetRequest{Name: "a", NetworkId: n.Id, V4CidrBlocks: []string{"10.1.0.0/24"}, RouteTableId: rt.Id})
	g := c.group(n.Id, "sg", rule(pb.SecurityGroupRule_EGRESS, "ANY", nil, "0.0.0.0/0"))
	a := c.updateAll(n, s, gw, rt, g)
	c.lists(n)

	// Nothing goes while something leans on it.
	_, err := c.gateways.Delete(c.admin, &pb.DeleteGatewayRequest{GatewayId: gw.Id})
	c.Refused(err, codes.FailedPrecondition, "vpc/in-use")
	_, err = c.tables.Delete(c.admin, &pb.DeleteRouteTableRequest{RouteTableId: rt.Id})
	c.Refused(err, codes.FailedPrecondition, "vpc/in-use")
	_, err = c.networks.Delete(c.admin, &pb.DeleteNetworkRequest{NetworkId: n.Id})
	c.Refused(err, codes.FailedPrecondition, "vpc/in-use")
	_, err = c.subnets.Delete(c.admin, &pb.DeleteSubnetRequest{SubnetId: s.Id})
	c.Refused(err, codes.FailedPrecondition, "vpc/in-use")
	_, err = c.groups.Delete(c.admin, &pb.DeleteSecurityGroupRequest{SecurityGroupId: n.DefaultSecurityGroupId})
	c.Refused(err, codes.FailedPrecondition, "vpc/default-security-group")
	_, err = c.addrs.Delete(c.admin, &pb.DeleteAddressRequest{AddressId: a.Id})
	c.Refused(err, codes.FailedPrecondition, "vpc/deletion-protected")

	op, err := c.addrs.Update(c.admin, &pb.UpdateAddressRequest{AddressId: a.Id, UpdateMask: mask("deletion_protection")})
	gatetest.Done[*pb.Address](t, op, err)
	op, err = c.addrs.Delete(c.admin, &pb.DeleteAddressRequest{AddressId: a.Id})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.subnets.Delete(c.admin, &pb.DeleteSubnetRequest{SubnetId: s.Id})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.tables.Delete(c.admin, &pb.DeleteRouteTableRequest{RouteTableId: rt.Id})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.gateways.Delete(c.admin, &pb.DeleteGatewayRequest{GatewayId: gw.Id})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.groups.Delete(c.admin, &pb.DeleteSecurityGroupRequest{SecurityGroupId: g.Id})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.networks.Delete(c.admin, &pb.DeleteNetworkRequest{NetworkId: n.Id})
	gatetest.Done[*emptypb.Empty](t, op, err)
	for _, m := range c.K.Store.Inventory() {
		if m.Type[:4] == "vpc." {
			t.Errorf("left behind: %+v", m)
		}
	}
	c.EveryOperationSeen()
}

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

// updateAll changes every resource and makes an address in the subnet.
func (c *cloud) updateAll(n *pb.Network, s *pb.Subnet, gw *pb.Gateway, rt *pb.RouteTable, g *pb.SecurityGroup) *pb.Address {
	t := c.t
	t.Helper()
	op, err := c.networks.Update(c.admin, &pb.UpdateNetworkRequest{NetworkId: n.Id, Description: "new", Name: "ignored", UpdateMask: mask("description")})
	if got := gatetest.Done[*pb.Network](t, op, err); got.Description != "new" || got.Name != "net" {
		t.Errorf("network became %v", got)
	}
	op, err = c.subnets.Update(c.admin, &pb.UpdateSubnetRequest{SubnetId: s.Id, Labels: map[string]string{"a": "b"}, UpdateMask: mask("labels")})
	if got := gatetest.Done[*pb.Subnet](t, op, err); got.Labels["a"] != "b" || got.RouteTableId != rt.Id {
		t.Errorf("subnet became %v", got)
	}
	op, err = c.subnets.AddCidrBlocks(c.admin, &pb.AddSubnetCidrBlocksRequest{SubnetId: s.Id, V4CidrBlocks: []string{"10.2.0.0/24"}})
	gatetest.Done[*pb.Subnet](t, op, err)
	op, err = c.subnets.RemoveCidrBlocks(c.admin, &pb.RemoveSubnetCidrBlocksRequest{SubnetId: s.Id, V4CidrBlocks: []string{"10.2.0.0/24"}})
	if got := gatetest.Done[*pb.Subnet](t, op, err); len(got.V4CidrBlocks) != 1 {
		t.Errorf("subnet has %v", got.V4CidrBlocks)
	}
	op, err = c.gateways.Update(c.admin, &pb.UpdateGatewayRequest{GatewayId: gw.Id, Name: "gw2"})
	gatetest.Done[*pb.Gateway](t, op, err)
	op, err = c.tables.Update(c.admin, &pb.UpdateRouteTableRequest{RouteTableId: rt.Id, Description: "d", StaticRoutes: through(gw.Id)})
	gatetest.Done[*pb.RouteTable](t, op, err)

	op, err = c.groups.Update(c.admin, &pb.UpdateSecurityGroupRequest{SecurityGroupId: g.Id, RuleSpecs: []*pb.SecurityGroupRuleSpec{rule(pb.SecurityGroupRule_INGRESS, "tcp", &pb.PortRange{FromPort: 443, ToPort: 443}, "0.0.0.0/0")}})
	ruled := gatetest.Done[*pb.SecurityGroup](t, op, err)
	if len(ruled.Rules) != 1 || ruled.Rules[0].ProtocolNumber != 6 || ruled.Rules[0].Id == g.Rules[0].Id {
		t.Errorf("rules became %v", ruled.Rules)
	}
	op, err = c.groups.UpdateRule(c.admin, &pb.UpdateSecurityGroupRuleRequest{SecurityGroupId: g.Id, RuleId: ruled.Rules[0].Id, Description: "https"})
	if got := gatetest.Done[*pb.SecurityGroupRule](t, op, err); got.Description != "https" || got.Ports.GetFromPort() != 443 {
		t.Errorf("rule became %v", got)
	}
	op, err = c.groups.UpdateRules(c.admin, &pb.UpdateSecurityGroupRulesRequest{SecurityGroupId: g.Id, DeletionRuleIds: []string{ruled.Rules[0].Id},
		AdditionRuleSpecs: []*pb.SecurityGroupRuleSpec{rule(pb.SecurityGroupRule_EGRESS, "ANY", nil, "0.0.0.0/0")}})
	if got := gatetest.Done[*pb.SecurityGroup](t, op, err); len(got.Rules) != 1 || got.Rules[0].Direction != pb.SecurityGroupRule_EGRESS {
		t.Errorf("rules became %v", got.Rules)
	}

	op, err = c.addrs.Create(c.admin, &pb.CreateAddressRequest{FolderId: c.Folder, DeletionProtection: true, AddressSpec: &pb.CreateAddressRequest_InternalIpv4AddressSpec{
		InternalIpv4AddressSpec: &pb.InternalIpv4AddressSpec{Scope: &pb.InternalIpv4AddressSpec_SubnetId{SubnetId: s.Id}}}})
	return gatetest.Done[*pb.Address](t, op, err)
}

// lists reads everything back through the lists of folder and network.
func (c *cloud) lists(n *pb.Network) {
	t := c.t
	t.Helper()
	in := func(what string, got int, want int, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s: %d (%v), want %d", what, got, err, want)
		}
	}
	subnets, err := c.networks.ListSubnets(c.admin, &pb.ListNetworkSubnetsRequest{NetworkId: n.Id})
	in("subnets", len(subnets.GetSubnets()), 1, err)
	tables, err := c.networks.ListRouteTables(c.admin, &pb.ListNetworkRouteTablesRequest{NetworkId: n.Id})
	in("route tables", len(tables.GetRouteTables()), 1, err)
	groups, err := c.networks.ListSecurityGroups(c.admin, &pb.ListNetworkSecurityGroupsRequest{NetworkId: n.Id})
	in("groups", len(groups.GetSecurityGroups()), 2, err)
	ops, err := c.networks.ListOperations(c.admin, &pb.ListNetworkOperationsRequest{NetworkId: n.Id})
	in("operations", len(ops.GetOperations()), 2, err)
	named, err := c.networks.List(c.admin, &pb.ListNetworksRequest{FolderId: c.Folder, Filter: `name="net"`})
	in("networks of the name", len(named.GetNetworks()), 1, err)
	none, err := c.networks.List(c.admin, &pb.ListNetworksRequest{FolderId: c.OtherFolder})
	if none != nil {
		t.Errorf("the other folder's networks were listed: %v", none)
	}
	c.Refused(err, codes.PermissionDenied, "permission:vpc.networks.list")
	addrs, err := c.addrs.ListBySubnet(c.admin, &pb.ListAddressesBySubnetRequest{SubnetId: subnets.GetSubnets()[0].Id})
	in("addresses", len(addrs.GetAddresses()), 1, err)
	value := addrs.GetAddresses()[0].GetInternalIpv4Address()
	found, err := c.addrs.GetByValue(c.admin, &pb.GetAddressByValueRequest{Address: &pb.GetAddressByValueRequest_InternalIpv4Address{InternalIpv4Address: value.Address}, Scope: &pb.GetAddressByValueRequest_SubnetId{SubnetId: value.GetSubnetId()}})
	if err != nil || found.Id != addrs.GetAddresses()[0].Id {
		t.Errorf("by value %v: %v, %v", value, found, err)
	}
}

func TestPages(t *testing.T) {
	c := start(t)
	for i := range 5 {
		c.network(fmt.Sprint("n", i))
	}
	var names []string
	req := &pb.ListNetworksRequest{FolderId: c.Folder, PageSize: 2}
	for range 3 {
		resp, err := c.networks.List(c.admin, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range resp.Networks {
			names = append(names, n.Name)
		}
		req.PageToken = resp.NextPageToken
	}
	if fmt.Sprint(names) != "[n0 n1 n2 n3 n4]" || req.PageToken != "" {
		t.Errorf("pages gave %v and then the token %q", names, req.PageToken)
	}
}

// TestRefusals: each differs from a good request in one thing.
func TestRefusals(t *testing.T) {
	c := start(t)
	n, other := c.network("net"), c.network("other")
	table := c.routeTable(other.Id, nil)
	c.subnet(&pb.CreateSubnetRequest{Name: "taken", NetworkId: n.Id, V4CidrBlocks: []string{"10.1.0.0/24"}})
	good := func() *pb.CreateSubnetRequest {
		return c.in(&pb.CreateSubnetRequest{NetworkId: n.Id, V4CidrBlocks: []string{"10.2.0.0/24"}})
	}
	for name, tc := range map[string]struct {
		change func(*pb.CreateSubnetRequest)
		code   codes.Code
		reason string
	}{
		"no folder":          {func(r *pb.CreateSubnetRequest) { r.FolderId = "" }, codes.InvalidArgument, "validation:folder_id"},
		"unknown folder":     {func(r *pb.CreateSubnetRequest) { r.FolderId = "b1gx" }, codes.NotFound, "not-found:resource-manager.folder"},
		"no network":         {func(r *pb.CreateSubnetRequest) { r.NetworkId = "" }, codes.InvalidArgument, "validation:network_id"},
		"unknown network":    {func(r *pb.CreateSubnetRequest) { r.NetworkId = "enpx" }, codes.NotFound, "not-found:vpc.network"},
		"no zone":            {func(r *pb.CreateSubnetRequest) { r.ZoneId = "" }, codes.InvalidArgument, "validation:zone_id"},
		"unknown zone":       {func(r *pb.CreateSubnetRequest) { r.ZoneId = "ru-central1-x" }, codes.InvalidArgument, "vpc/zone-unknown"},
		"no block":           {func(r *pb.CreateSubnetRequest) { r.V4CidrBlocks = nil }, codes.InvalidArgument, "validation:v4_cidr_blocks"},
		"no prefix":          {func(r *pb.CreateSubnetRequest) { r.V4CidrBlocks[0] = "10.2.0.0" }, codes.InvalidArgument, "validation:v4_cidr_blocks[0]"},
		"host bits":          {func(r *pb.CreateSubnetRequest) { r.V4CidrBlocks[0] = "10.2.0.1/24" }, codes.InvalidArgument, "validation:v4_cidr_blocks[0]"},
		"too large":          {func(r *pb.CreateSubnetRequest) { r.V4CidrBlocks[0] = "10.0.0.0/8" }, codes.InvalidArgument, "validation:v4_cidr_blocks[0]"},
		"public block":       {func(r *pb.CreateSubnetRequest) { r.V4CidrBlocks[0] = "8.8.8.0/24" }, codes.InvalidArgument, "validation:v4_cidr_blocks[0]"},
		"overlap":            {func(r *pb.CreateSubnetRequest) { r.V4CidrBlocks[0] = "10.1.0.0/16" }, codes.FailedPrecondition, "vpc/cidr-overlap"},
		"overlaps itself":    {func(r *pb.CreateSubnetRequest) { r.V4CidrBlocks = []string{"10.2.0.0/24", "10.2.0.0/25"} }, codes.FailedPrecondition, "vpc/cidr-overlap"},
		"name taken":         {func(r *pb.CreateSubnetRequest) { r.Name = "taken" }, codes.AlreadyExists, "vpc/exists"},
		"bad name":           {func(r *pb.CreateSubnetRequest) { r.Name = "9" }, codes.InvalidArgument, "validation:name"},
		"bad label":          {func(r *pb.CreateSubnetRequest) { r.Labels = map[string]string{"A": ""} }, codes.InvalidArgument, "validation:labels.A"},
		"long description":   {func(r *pb.CreateSubnetRequest) { r.Description = string(make([]byte, 257)) }, codes.InvalidArgument, "validation:description"},
		"other network's rt": {func(r *pb.CreateSubnetRequest) { r.RouteTableId = table.Id }, codes.InvalidArgument, "vpc/other-network"},
		"unknown rt":         {func(r *pb.CreateSubnetRequest) { r.RouteTableId = "enpx" }, codes.NotFound, "not-found:vpc.routeTable"},
	} {
		t.Run(name, func(t *testing.T) {
			req := good()
			tc.change(req)
			_, err := c.subnets.Create(c.admin, req)
			c.Refused(err, tc.code, tc.reason)
		})
	}
	c.subnet(good())
}

// TestPermissions: a documented role taken away makes its step fail for its own reason.
func TestPermissions(t *testing.T) {
	c := start(t)
	n, gw := c.network("net"), c.gateway("gw")
	route := func(ctx context.Context) error {
		_, err := c.tables.Create(ctx, &pb.CreateRouteTableRequest{FolderId: c.Folder, NetworkId: n.Id, StaticRoutes: through(gw.Id)})
		return err
	}
	for name, tc := range map[string]struct {
		roles  []string
		call   func(context.Context) error
		reason string
	}{
		"network": {[]string{"vpc.viewer"}, func(ctx context.Context) error {
			_, err := c.networks.Create(ctx, &pb.CreateNetworkRequest{FolderId: c.Folder})
			return err
		}, "permission:vpc.networks.create"},
		"subnet": {[]string{"vpc.publicAdmin"}, func(ctx context.Context) error {
			_, err := c.subnets.Create(ctx, &pb.CreateSubnetRequest{FolderId: c.Folder, NetworkId: n.Id})
			return err
		}, "permission:vpc.subnets.create"},
		"gateway": {[]string{"vpc.privateAdmin"}, func(ctx context.Context) error {
			_, err := c.gateways.Create(ctx, &pb.CreateGatewayRequest{FolderId: c.Folder})
			return err
		}, "permission:vpc.gateways.create"},
		"route through the gateway": {[]string{"vpc.privateAdmin"}, route, "permission:vpc.gateways.use"},
		"route table":               {[]string{"vpc.publicAdmin"}, route, "permission:vpc.routeTables.create"},
		"group": {[]string{"vpc.privateAdmin", "vpc.publicAdmin"}, func(ctx context.Context) error {
			_, err := c.groups.Create(ctx, &pb.CreateSecurityGroupRequest{FolderId: c.Folder, NetworkId: n.Id})
			return err
		}, "permission:vpc.securityGroups.create"},
		"public address": {[]string{"vpc.privateAdmin"}, func(ctx context.Context) error {
			_, err := c.addrs.Create(ctx, &pb.CreateAddressRequest{FolderId: c.Folder, AddressSpec: &pb.CreateAddressRequest_ExternalIpv4AddressSpec{ExternalIpv4AddressSpec: &pb.ExternalIpv4AddressSpec{ZoneId: "ru-central1-a"}}})
			return err
		}, "permission:vpc.addresses.create"},
		"delete": {[]string{"vpc.user"}, func(ctx context.Context) error {
			_, err := c.networks.Delete(ctx, &pb.DeleteNetworkRequest{NetworkId: n.Id})
			return err
		}, "permission:vpc.networks.delete"},
	} {
		t.Run(name, func(t *testing.T) { c.Refused(tc.call(c.With(tc.roles...)), codes.PermissionDenied, tc.reason) })
	}
	if err := route(c.With("vpc.privateAdmin", "vpc.gateways.user")); err != nil {
		t.Errorf("the documented roles were refused: %v", err)
	}
}

// TestUnfinishedOperations: what is being made or deleted is no ground to stand on.
func TestUnfinishedOperations(t *testing.T) {
	c := start(t)
	c.K.Settings.Change(func(s *settings.Settings) {
		s.Latencies = map[string]settings.Duration{"*": settings.Duration(time.Minute)}
	})
	op, err := c.networks.Create(c.admin, &pb.CreateNetworkRequest{FolderId: c.Folder, Name: "net"})
	if err != nil || op.Done {
		t.Fatalf("%v, %v", op, err)
	}
	var meta pb.CreateNetworkMetadata
	if err := op.Metadata.UnmarshalTo(&meta); err != nil {
		t.Fatal(err)
	}
	req := c.in(&pb.CreateSubnetRequest{NetworkId: meta.NetworkId, V4CidrBlocks: []string{"10.2.0.0/24"}})
	_, err = c.subnets.Create(c.admin, req)
	c.Refused(err, codes.FailedPrecondition, "vpc/busy")
	c.pass(op.Id)
	c.K.Settings.Change(func(s *settings.Settings) { s.Latencies = nil })
	op, err = c.subnets.Create(c.admin, req)
	subnet := gatetest.Done[*pb.Subnet](t, op, err)

	c.K.Settings.Change(func(s *settings.Settings) {
		s.Latencies = map[string]settings.Duration{"*": settings.Duration(time.Minute)}
	})
	op, err = c.subnets.Delete(c.admin, &pb.DeleteSubnetRequest{SubnetId: subnet.Id})
	if err != nil || op.Done {
		t.Fatalf("%v, %v", op, err)
	}
	_, err = c.networks.Delete(c.admin, &pb.DeleteNetworkRequest{NetworkId: meta.NetworkId})
	c.Refused(err, codes.FailedPrecondition, "vpc/in-use")
	c.pass(op.Id)
	_, err = c.subnets.Get(c.admin, &pb.GetSubnetRequest{SubnetId: subnet.Id})
	c.Refused(err, codes.NotFound, "not-found:vpc.subnet")
}

// pass lets a minute go by when the operation, which works in the background,
// waits for it.
func (c *cloud) pass(id string) {
	c.t.Helper()
	c.until(c.Clock.HasWaiters)
	c.Clock.Step(time.Minute)
	c.until(func() bool { op, _, _ := c.K.Operations.Get(id); return op.Done })
}

func (c *cloud) until(holds func() bool) {
	for !holds() {
		if c.t.Context().Err() != nil {
			c.t.Fatal("the test ended before the operation")
		}
		runtime.Gosched()
	}
}

func TestQuotaAndUsers(t *testing.T) {
	c := start(t)
	c.K.Settings.Change(func(s *settings.Settings) { s.Quotas = map[string]int64{"vpc.networks.count": 1} })
	n := c.network("net")
	_, err := c.networks.Create(c.admin, &pb.CreateNetworkRequest{FolderId: c.Folder})
	c.Refused(err, codes.ResourceExhausted, "answer:ResourceExhausted")
	if groups, err := c.groups.List(c.admin, &pb.ListSecurityGroupsRequest{FolderId: c.Folder}); err != nil || len(groups.SecurityGroups) != 1 {
		t.Errorf("groups %v, %v; a refused network may not leave its group", groups, err)
	}

	c.vpc.UsedBy(func(ref state.Ref) bool { return ref == state.Ref{Type: vpc.KindNetwork, ID: n.Id} })
	_, err = c.networks.Delete(c.admin, &pb.DeleteNetworkRequest{NetworkId: n.Id})
	c.Refused(err, codes.FailedPrecondition, "vpc/in-use")
	got, err := c.networks.Get(c.admin, &pb.GetNetworkRequest{NetworkId: n.Id})
	if err != nil || !proto.Equal(got, n) {
		t.Errorf("got %v, %v; want %v", got, err, n)
	}
}

func TestPublicAddresses(t *testing.T) {
	c := start(t)
	create := func(value string) *pb.CreateAddressRequest {
		return &pb.CreateAddressRequest{FolderId: c.Folder, AddressSpec: &pb.CreateAddressRequest_ExternalIpv4AddressSpec{
			ExternalIpv4AddressSpec: &pb.ExternalIpv4AddressSpec{ZoneId: "ru-central1-a", Address: value}}}
	}
	op, err := c.addrs.Create(c.admin, create(""))
	first := gatetest.Done[*pb.Address](t, op, err)
	op, err = c.addrs.Create(c.admin, create(""))
	second := gatetest.Done[*pb.Address](t, op, err)
	if first.GetExternalIpv4Address().Address == second.GetExternalIpv4Address().Address || first.Type != pb.Address_EXTERNAL {
		t.Errorf("got %v and %v", first, second)
	}
	_, err = c.addrs.Create(c.admin, create(first.GetExternalIpv4Address().Address))
	c.Refused(err, codes.FailedPrecondition, "vpc/address-taken")
	got, err := c.addrs.GetByValue(c.admin, &pb.GetAddressByValueRequest{Address: &pb.GetAddressByValueRequest_ExternalIpv4Address{ExternalIpv4Address: second.GetExternalIpv4Address().Address}})
	if err != nil || got.Id != second.Id {
		t.Errorf("by value: %v, %v", got, err)
	}
	_, err = c.addrs.GetByValue(c.admin, &pb.GetAddressByValueRequest{Address: &pb.GetAddressByValueRequest_ExternalIpv4Address{ExternalIpv4Address: "192.0.2.1"}})
	c.Refused(err, codes.NotFound, "api/not-found")
}
