package diagnose

import (
	"context"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Way is how nodes reach the internet.
type Way struct {
	// Nodes says whose way it is.
	Nodes    string
	PublicIP bool
	// Closed are the subnets without a route out.
	Closed []string
	// Groups are the security groups in force; nil: they are not there yet.
	Groups  []string
	LetsOut bool
	Err     error
}

// everywhere is the destination of a route, and of a rule, out.
const everywhere = "0.0.0.0/0"

// ReadWay looks at the subnets and security groups of nodes. Without groups the
// network's default one acts; own says that the nodes will have one of the run's.
func ReadWay(ctx context.Context, c *cloud.Client, nodes string, subnets, groups []string, publicIP, own bool) Way {
	w := Way{Nodes: nodes, PublicIP: publicIP, Groups: groups}
	for _, id := range subnets {
		subnet, err := c.Subnets().Get(ctx, &vpc.GetSubnetRequest{SubnetId: id})
		if err == nil {
			err = w.readSubnet(ctx, c, subnet, own)
		}
		if err != nil {
			w.Err = cloud.While(err, "looking at the way out of the subnet "+id)
			return w
		}
	}
	for _, id := range w.Groups {
		group, err := c.SecurityGroups().Get(ctx, &vpc.GetSecurityGroupRequest{SecurityGroupId: id})
		if err != nil {
			w.Err = cloud.While(err, "looking at the security group "+id)
			return w
		}
		w.LetsOut = w.LetsOut || slices.ContainsFunc(group.GetRules(), letsAllOut)
	}
	return w
}

func (w *Way) readSubnet(ctx context.Context, c *cloud.Client, subnet *vpc.Subnet, own bool) error {
	out := false
	if id := subnet.GetRouteTableId(); id != "" {
		table, err := c.RouteTables().Get(ctx, &vpc.GetRouteTableRequest{RouteTableId: id})
		if err != nil {
			return err
		}
		out = slices.ContainsFunc(table.GetStaticRoutes(), func(r *vpc.StaticRoute) bool { return r.GetDestinationPrefix() == everywhere })
	}
	if !out {
		w.Closed = append(w.Closed, subnet.GetId())
	}
	if len(w.Groups) > 0 || own {
		return nil
	}
	network, err := c.Networks().Get(ctx, &vpc.GetNetworkRequest{NetworkId: subnet.GetNetworkId()})
	if id := network.GetDefaultSecurityGroupId(); id != "" {
		w.Groups = []string{id}
	}
	return err
}

func letsAllOut(r *vpc.SecurityGroupRule) bool {
	ports := r.GetPorts()
	return r.GetDirection() == vpc.SecurityGroupRule_EGRESS &&
		(ports == nil || ports.GetFromPort() == 0 && ports.GetToPort() == 65535) &&
		(r.GetProtocolName() == "" || strings.EqualFold(r.GetProtocolName(), "ANY")) && r.GetProtocolNumber() <= 0 &&
		slices.Contains(r.GetCidrBlocks().GetV4CidrBlocks(), everywhere)
}

// Findings judge it by the tutorial: public addresses or a NAT gateway, and
// unrestricted outgoing traffic.
func (w Way) Findings() []Finding {
	what := "way out of " + w.Nodes
	if w.Err != nil {
		return []Finding{blind(what, w.Err)}
	}
	var out []Finding
	if !w.PublicIP && len(w.Closed) > 0 {
		out = append(out, mistake(what, NoEgress, "the nodes have no public addresses, and no route %s leads out of %s: the token exchange and the pulling of images time out", everywhere, strings.Join(w.Closed, ", ")).
			saying("Give the subnet a route table with a route %s to a NAT gateway (yc vpc gateway create; yc vpc route-table create; yc vpc subnet update), or the nodes public addresses.", everywhere))
	}
	if len(w.Groups) > 0 && !w.LetsOut {
		out = append(out, mistake(what, GroupsHoldTraffic, "no rule of %s lets all traffic out", strings.Join(w.Groups, ", ")).
			saying("Add a rule to one of the security groups: egress, any protocol, all ports, CIDR %s.", everywhere))
	}
	if len(out) == 0 {
		out = append(out, fine(what, "as far as routes and security groups tell, the nodes reach the internet"))
	}
	return out
}
