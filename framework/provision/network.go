package provision

import (
	"context"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// Address ranges inside a created cluster: Managed Kubernetes' defaults, stated
// because the security group has to name them.
const (
	podCIDR     = "10.112.0.0/16"
	serviceCIDR = "10.96.0.0/16"
)

// networkSteps make the network, a subnet whose nodes reach the internet through
// a NAT gateway, and the security group. The tutorial demands the way out: "your
// cluster nodes must have internet access".
func (p *plan) networkSteps() []Step {
	group := p.securityGroup
	if p.cfg.SecurityGroupID != "" {
		group = p.givenSecurityGroup
	}
	if p.cfg.SubnetID != "" {
		return []Step{p.givenSubnet(), group(StepSubnet)}
	}
	network := p.network()
	if p.cfg.NetworkID != "" {
		network = p.givenNetwork()
	}
	return append([]Step{network, p.natGateway(), p.routes(), group(StepNetwork)}, p.subnetSteps()...)
}

func (p *plan) network() Step {
	return p.creating(Step{Name: StepNetwork, Methods: []string{"yandex.cloud.vpc.v1.NetworkService/Create"}}, KindNetwork,
		func(id string) { p.target.NetworkID = id },
		func() creation {
			name := p.name("net")
			return creation{name: name, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().Networks().Create(ctx, &vpc.CreateNetworkRequest{FolderId: p.b.folder, Name: name, Labels: p.b.labels})
			}}
		})
}

func (p *plan) natGateway() Step {
	return p.creating(Step{Name: StepGateway, Methods: []string{"yandex.cloud.vpc.v1.GatewayService/Create"}}, KindGateway,
		func(id string) { p.gateway = id },
		func() creation {
			name := p.name("nat")
			return creation{name: name, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().Gateways().Create(ctx, &vpc.CreateGatewayRequest{FolderId: p.b.folder, Name: name, Labels: p.b.labels,
					Gateway: &vpc.CreateGatewayRequest_SharedEgressGatewaySpec{SharedEgressGatewaySpec: &vpc.SharedEgressGatewaySpec{}}})
			}}
		})
}

func (p *plan) routes() Step {
	return p.creating(Step{Name: StepRouteTable, Needs: []string{StepNetwork, StepGateway}, Methods: []string{"yandex.cloud.vpc.v1.RouteTableService/Create"}},
		KindRouteTable, func(id string) { p.routeTable = id },
		func() creation {
			name := p.name("routes")
			route := &vpc.StaticRoute{Destination: &vpc.StaticRoute_DestinationPrefix{DestinationPrefix: "0.0.0.0/0"},
				NextHop: &vpc.StaticRoute_GatewayId{GatewayId: p.gateway}}
			return creation{name: name, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().RouteTables().Create(ctx, &vpc.CreateRouteTableRequest{FolderId: p.b.folder, Name: name, Labels: p.b.labels,
					NetworkId: p.target.NetworkID, StaticRoutes: []*vpc.StaticRoute{route}})
			}}
		})
}

// subnetSteps make the nodes' subnet, and those of a regional cluster's other zones.
func (p *plan) subnetSteps() []Step {
	var steps []Step
	p.subnets = make([]string, len(p.cfg.Places()))
	for i, at := range p.cfg.Places() {
		steps = append(steps, p.subnet(i, at))
	}
	return steps
}

// stepOfSubnet names the step of the i-th subnet: subnet, and subnet-b of ru-central1-b.
func stepOfSubnet(i int, at config.Place) string {
	if i == 0 {
		return StepSubnet
	}
	return StepSubnet + at.Zone[strings.LastIndexByte(at.Zone, '-'):]
}

func (p *plan) subnet(i int, at config.Place) Step {
	step := stepOfSubnet(i, at)
	return p.creating(Step{Name: step, Needs: []string{StepNetwork, StepRouteTable}, Methods: []string{"yandex.cloud.vpc.v1.SubnetService/Create"}},
		KindSubnet, func(id string) {
			p.subnets[i] = id // nobody else writes this one
			if i == 0 {
				p.target.SubnetID = id
			}
		},
		func() creation {
			name := p.name(step)
			return creation{name: name, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().Subnets().Create(ctx, &vpc.CreateSubnetRequest{FolderId: p.b.folder, Name: name, Labels: p.b.labels,
					NetworkId: p.target.NetworkID, ZoneId: at.Zone, V4CidrBlocks: []string{at.CIDR}, RouteTableId: p.routeTable})
			}}
		})
}

func (p *plan) securityGroup(network string) Step {
	return p.creating(Step{Name: StepSecurityGroup, Needs: []string{network}, Methods: []string{"yandex.cloud.vpc.v1.SecurityGroupService/Create"}},
		KindSecurityGroup, func(id string) { p.target.SecurityGroupID = id },
		func() creation {
			name := p.name("sg")
			return creation{name: name, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().SecurityGroups().Create(ctx, &vpc.CreateSecurityGroupRequest{FolderId: p.b.folder, Name: name, Labels: p.b.labels,
					NetworkId: p.target.NetworkID, RuleSpecs: securityRules()})
			}}
		})
}

// securityRules are those of "Configuring security groups" in the documentation
// of Managed Service for Kubernetes: health checks, traffic among nodes, pods and
// services, diagnostics, access to the API, and every way out.
func securityRules() []*vpc.SecurityGroupRuleSpec {
	const in, out = vpc.SecurityGroupRule_INGRESS, vpc.SecurityGroupRule_EGRESS
	everyPort := &vpc.PortRange{FromPort: 0, ToPort: 65535}
	named := func(what string) *vpc.SecurityGroupRuleSpec_PredefinedTarget {
		return &vpc.SecurityGroupRuleSpec_PredefinedTarget{PredefinedTarget: what}
	}
	cidrs := func(blocks ...string) *vpc.SecurityGroupRuleSpec_CidrBlocks {
		return &vpc.SecurityGroupRuleSpec_CidrBlocks{CidrBlocks: &vpc.CidrBlocks{V4CidrBlocks: blocks}}
	}
	protocol := func(name string) *vpc.SecurityGroupRuleSpec_ProtocolName {
		return &vpc.SecurityGroupRuleSpec_ProtocolName{ProtocolName: name}
	}
	port := func(n int64) *vpc.PortRange { return &vpc.PortRange{FromPort: n, ToPort: n} }
	return []*vpc.SecurityGroupRuleSpec{
		{Description: "health checks", Direction: in, Protocol: protocol("TCP"), Ports: everyPort, Target: named("loadbalancer_healthchecks")},
		{Description: "nodes and master among themselves", Direction: in, Protocol: protocol("ANY"), Ports: everyPort, Target: named("self_security_group")},
		{Description: "pods and services", Direction: in, Protocol: protocol("ANY"), Ports: everyPort, Target: cidrs(podCIDR, serviceCIDR)},
		{Description: "diagnostics", Direction: in, Protocol: protocol("ICMP"), Target: cidrs("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")},
		{Description: "Kubernetes API", Direction: in, Protocol: protocol("TCP"), Ports: port(443), Target: cidrs("0.0.0.0/0")},
		{Description: "Kubernetes API", Direction: in, Protocol: protocol("TCP"), Ports: port(6443), Target: cidrs("0.0.0.0/0")},
		{Description: "the way out", Direction: out, Protocol: protocol("ANY"), Ports: everyPort, Target: cidrs("0.0.0.0/0")},
	}
}
