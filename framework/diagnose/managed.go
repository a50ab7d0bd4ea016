package diagnose

import (
	"context"
	"strconv"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/trust"
)

// Managed is a Managed Kubernetes cluster.
type Managed struct {
	ID, Version, Channel string
	Running, Federated   bool
	Issuer               string
	// Keys are what everybody finds at its jwks_uri.
	Keys   exchange.Keys
	Groups []Group
	// ByHand: pods exchange their tokens themselves, so that nodes need not.
	ByHand bool
	Err    error
}

// Group is a node group of it.
type Group struct {
	ID        string
	Federated bool
	Way       Way
}

// ReadManaged looks at a cluster, its node groups and its keys.
func ReadManaged(ctx context.Context, c *cloud.Client, id string, byHand bool) Managed {
	m := Managed{ID: id, ByHand: byHand}
	found, err := c.Clusters().Get(ctx, &k8s.GetClusterRequest{ClusterId: id})
	if err != nil {
		m.Err = cloud.While(err, "looking up the cluster "+id)
		return m
	}
	m.Version, m.Channel, m.Running = found.GetMaster().GetVersion(), found.GetReleaseChannel().String(), found.GetStatus() == k8s.Cluster_RUNNING
	m.Federated, m.Issuer = found.GetWorkloadIdentityFederation().GetEnabled(), found.GetWorkloadIdentityFederation().GetIssuer()
	if m.Federated {
		m.Keys = trust.KeysAt(ctx, found.GetWorkloadIdentityFederation().GetJwksUri())
	}
	groups, err := cloud.All(func(token string) ([]*k8s.NodeGroup, string, error) {
		r, err := c.Clusters().ListNodeGroups(ctx, &k8s.ListClusterNodeGroupsRequest{ClusterId: id, PageToken: token})
		return r.GetNodeGroups(), r.GetNextPageToken(), err
	})
	if err != nil {
		m.Err = cloud.While(err, "listing the node groups of the cluster "+id)
		return m
	}
	for _, g := range groups {
		m.Groups = append(m.Groups, Group{ID: g.GetId(), Federated: g.GetWorkloadIdentityFederation().GetEnabled(), Way: wayOf(ctx, c, g)})
	}
	return m
}

func wayOf(ctx context.Context, c *cloud.Client, g *k8s.NodeGroup) Way {
	var subnets, groups []string
	public := false
	for _, i := range g.GetNodeTemplate().GetNetworkInterfaceSpecs() {
		subnets, groups = append(subnets, i.GetSubnetIds()...), append(groups, i.GetSecurityGroupIds()...)
		public = public || i.GetPrimaryV4AddressSpec().GetOneToOneNatSpec() != nil
	}
	return ReadWay(ctx, c, "node group "+g.GetId(), subnets, groups, public, false)
}

// Findings judge it.
func (m Managed) Findings() []Finding {
	what := "cluster " + m.ID
	if m.Err != nil {
		return []Finding{blind(what, m.Err)}
	}
	var out []Finding
	if !m.Running {
		out = append(out, mistake(what, ClusterNotRunning, "it is not RUNNING").saying("yc managed-kubernetes cluster start %s, or wait until it is.", m.ID))
	}
	out = append(out, m.federation(what)...)
	for _, g := range m.Groups {
		name := "node group " + g.ID
		switch {
		case m.ByHand, !m.Federated: // the cluster comes first
		case !g.Federated:
			out = append(out, mistake(name, NodesPlain, "the metadata server on its nodes gives pods no tokens of their own").
				saying("yc managed-kubernetes node-group update --id %s --enable-workload-identity-federation; or, if your pods exchange their tokens themselves, say --by-hand.", g.ID))
		default:
			out = append(out, fine(name, "workload identity federation is enabled"))
		}
		out = append(out, g.Way.Findings()...)
	}
	if len(m.Groups) == 0 {
		out = append(out, mistake(what, NoNodes, "it has no node group, and pods stay Pending").saying("Create one: yc managed-kubernetes node-group create."))
	}
	return out
}

func (m Managed) federation(what string) []Finding {
	enable := "yc managed-kubernetes cluster update --id " + m.ID + " --enable-workload-identity-federation enables it; create pods again then, their tokens have the old issuer."
	switch old := minorOf(m.Version) >= 0 && minorOf(m.Version) < 30; {
	case m.Federated && m.Keys.Problem != "":
		return []Finding{mistake("keys of the cluster "+m.ID, m.Keys.Problem, "%s: %s", m.Keys.URL, m.Keys.Detail).saying("%s", exchange.RemedyOf(m.Keys.Problem))}
	case m.Federated:
		return []Finding{fine(what, "Kubernetes %s, %s, issuer %s; its keys are public", m.Version, m.Channel, m.Issuer)}
	case old || m.Channel != k8s.ReleaseChannel_RAPID.String():
		return []Finding{mistake(what, ChannelLacks, "workload identity federation is not enabled, and the cluster has Kubernetes %s in the channel %s; the documentation of October 2025 demands 1.30 or higher in RAPID", m.Version, m.Channel).
			saying("Try it: %s If it is refused, create a cluster with --release-channel rapid: the channel of a cluster cannot be changed.", enable)}
	}
	return []Finding{mistake(what, ClusterPlain, "workload identity federation is not enabled").saying("%s", enable)}
}

// minorOf is 36 for "1.36" and "1.36.3", and -1 for what is no version.
func minorOf(version string) int {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return -1
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return -1
	}
	return n
}
