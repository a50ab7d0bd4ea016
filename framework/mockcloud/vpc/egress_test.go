package vpc_test

import (
	"testing"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
)

func TestEgress(t *testing.T) {
	c := start(t)
	n := c.network("net")
	gw := c.gateway("gw")
	nat := c.routeTable(n.Id, through(gw.Id))
	dead := c.routeTable(n.Id, nil)
	sub := func(table, block string) string {
		return c.subnet(&pb.CreateSubnetRequest{NetworkId: n.Id, RouteTableId: table, V4CidrBlocks: []string{block}}).Id
	}
	with, without, none := sub(nat.Id, "10.1.0.0/24"), sub(dead.Id, "10.2.0.0/24"), sub("", "10.3.0.0/24")
	open := c.group(n.Id, "open", rule(pb.SecurityGroupRule_EGRESS, "ANY", &pb.PortRange{ToPort: 65535}, "0.0.0.0/0")).Id
	inward := c.group(n.Id, "inward", rule(pb.SecurityGroupRule_INGRESS, "ANY", nil, "0.0.0.0/0")).Id
	local := c.group(n.Id, "local", rule(pb.SecurityGroupRule_EGRESS, "ANY", nil, "10.0.0.0/8")).Id
	web := c.group(n.Id, "web", rule(pb.SecurityGroupRule_EGRESS, "TCP", nil, "0.0.0.0/0")).Id
	for name, tc := range map[string]struct {
		subnets, groups []string
		public, want    bool
	}{
		"NAT gateway, default group":     {[]string{with}, nil, false, true},
		"NAT gateway, open group":        {[]string{with}, []string{open}, false, true},
		"one of two groups is open":      {[]string{with}, []string{local, open}, false, true},
		"public address":                 {[]string{none}, []string{open}, true, true},
		"no route table":                 {[]string{none}, []string{open}, false, false},
		"no route":                       {[]string{without}, []string{open}, false, false},
		"one of two subnets":             {[]string{with, none}, []string{open}, false, false},
		"only ingress":                   {[]string{with}, []string{inward}, false, false},
		"only local":                     {[]string{with}, []string{local}, false, false},
		"only TCP":                       {[]string{with}, []string{web}, false, false},
		"public address but only ingres": {[]string{none}, []string{inward}, true, false},
		"no subnet":                      {nil, []string{open}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := c.vpc.NodesHaveEgress(tc.subnets, tc.groups, tc.public)
			if got != tc.want || got != (why == "") {
				t.Errorf("got %v (%q), want %v", got, why, tc.want)
			}
		})
	}
}
