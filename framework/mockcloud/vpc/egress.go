package vpc

import (
	"fmt"
	"slices"
	"strings"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
)

// NodesHaveEgress says whether nodes in subnets reach the internet, and if not,
// why: they need public addresses, or a NAT gateway in every subnet's route table,
// and security groups that let all traffic out (the tutorial: "Make sure your
// cluster nodes have public IP addresses assigned to them or the subnet they reside
// in has a configured NAT gateway. Also make sure the security group rules allow
// unrestricted outgoing traffic"). Without groups the network's default one acts.
func (v *VPC) NodesHaveEgress(subnetIDs, securityGroupIDs []string, publicIP bool) (bool, string) {
	if len(subnetIDs) == 0 {
		return false, "the nodes are in no subnet"
	}
	for _, id := range subnetIDs {
		subnet, ok := v.subnets.table.Get(id)
		if !ok {
			return false, fmt.Sprintf("subnet %s is gone", id)
		}
		if !publicIP && !v.routesOut(subnet) {
			return false, fmt.Sprintf("the nodes have no public addresses, and subnet %s has no route table with a route 0.0.0.0/0", id)
		}
		groups := securityGroupIDs
		if len(groups) == 0 {
			network, _ := v.networks.table.Get(subnet.NetworkId)
			groups = []string{network.GetDefaultSecurityGroupId()}
		}
		if !v.letsOut(groups) {
			return false, fmt.Sprintf("no rule of the security groups %s lets all traffic out", strings.Join(groups, ", "))
		}
	}
	return true, ""
}

func (v *VPC) routesOut(subnet *pb.Subnet) bool {
	table, ok := v.tables.table.Get(subnet.RouteTableId)
	return ok && slices.ContainsFunc(table.StaticRoutes, func(r *pb.StaticRoute) bool { return r.GetDestinationPrefix() == "0.0.0.0/0" })
}

func (v *VPC) letsOut(groupIDs []string) bool {
	return slices.ContainsFunc(groupIDs, func(id string) bool {
		group, ok := v.groups.table.Get(id)
		return ok && slices.ContainsFunc(group.Rules, func(r *pb.SecurityGroupRule) bool {
			everyPort := r.Ports == nil || r.Ports.FromPort == 0 && r.Ports.ToPort == 65535
			everyProtocol := (r.ProtocolName == "" || strings.EqualFold(r.ProtocolName, "ANY")) && r.ProtocolNumber <= 0
			return r.Direction == pb.SecurityGroupRule_EGRESS && everyPort && everyProtocol &&
				slices.Contains(r.GetCidrBlocks().GetV4CidrBlocks(), "0.0.0.0/0")
		})
	})
}
