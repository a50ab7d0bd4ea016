package mk8s

import (
	"context"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// planGroup checks a Create request and returns the row of the node group to be.
func (s *Service) planGroup(ctx context.Context, cluster *pb.Cluster, req *pb.CreateNodeGroupRequest) (*pb.NodeGroup, error) {
	version := req.Version
	if version == "" {
		version = cluster.Master.Version
	}
	// The nodes of this machine's engines are of their cluster's version.
	if version != cluster.Master.Version {
		return nil, s.k.Guess("k8s/version-not-available", version)
	}
	if len(req.NodeTaints) > 0 {
		return nil, s.k.Guess("k8s/immutable", "node_taints")
	}
	row := &pb.NodeGroup{
		Id: kernel.NewID(kernel.PrefixCluster), ClusterId: cluster.Id, CreatedAt: s.now(),
		Name: req.Name, Description: req.Description, Labels: req.Labels, Status: pb.NodeGroup_PROVISIONING,
		NodeTemplate: req.NodeTemplate, ScalePolicy: req.ScalePolicy, DeployPolicy: req.DeployPolicy,
		InstanceGroupId: kernel.NewID("cl1"), VersionInfo: &pb.VersionInfo{CurrentVersion: version},
		MaintenancePolicy: req.MaintenancePolicy, AllowedUnsafeSysctls: req.AllowedUnsafeSysctls, NodeLabels: req.NodeLabels,
		WorkloadIdentityFederation: req.WorkloadIdentityFederation, Variables: req.Variables,
	}
	if row.DeployPolicy == nil {
		row.DeployPolicy = &pb.DeployPolicy{MaxExpansion: 3} // the documented default
	}
	if row.MaintenancePolicy == nil {
		row.MaintenancePolicy = &pb.NodeGroupMaintenancePolicy{AutoUpgrade: true, AutoRepair: true,
			MaintenanceWindow: &pb.MaintenanceWindow{Policy: &pb.MaintenanceWindow_Anytime{Anytime: &pb.AnytimeMaintenanceWindow{}}}}
	}
	if err := s.groupMayFederate(cluster, req.WorkloadIdentityFederation.GetEnabled()); err != nil {
		return nil, err
	}
	if !s.policyIn(cluster.FolderId).groupFlag {
		row.WorkloadIdentityFederation = nil
	}
	if hasPublicIP(row) {
		if err := s.mayBePublic(ctx, state.Ref{Type: kindFolder, ID: cluster.FolderId}); err != nil {
			return nil, err
		}
	}
	if err := s.checkGroups(cluster.NetworkId, securityGroups(row)); err != nil {
		return nil, err
	}
	var err error
	if row.AllocationPolicy, err = s.allocation(cluster, req); err != nil {
		return nil, err
	}
	return row, s.uniqueGroup(row)
}

// groupMayFederate: workload identity federation of a node group needs that of its
// cluster.
func (s *Service) groupMayFederate(cluster *pb.Cluster, want bool) error {
	if !want {
		return nil
	}
	if err := s.mayFederate(cluster.Master.Version, cluster.ReleaseChannel); err != nil {
		return err
	}
	if !cluster.WorkloadIdentityFederation.GetEnabled() {
		return s.k.Guess("k8s/node-group-without-wlif", cluster.Id)
	}
	return nil
}

// allocation finds a subnet for each zone: the one named with it, the one of an
// interface, or the only one of the zone. Without zones the cluster's own are taken.
func (s *Service) allocation(cluster *pb.Cluster, req *pb.CreateNodeGroupRequest) (*pb.NodeGroupAllocationPolicy, error) {
	policy := &pb.NodeGroupAllocationPolicy{}
	if req.AllocationPolicy != nil {
		policy = proto.CloneOf(req.AllocationPolicy)
	}
	if len(policy.Locations) == 0 {
		for _, l := range cluster.Master.Locations {
			policy.Locations = append(policy.Locations, &pb.NodeGroupLocation{ZoneId: l.ZoneId})
		}
	}
	inZone := map[string]string{}
	for _, nic := range req.NodeTemplate.NetworkInterfaceSpecs {
		for _, id := range nic.SubnetIds {
			subnet, err := s.o.VPC.Subnet(id)
			if err != nil {
				return nil, err
			}
			inZone[subnet.ZoneId] = id
		}
	}
	for _, l := range policy.Locations {
		if l.SubnetId == "" {
			l.SubnetId = inZone[l.ZoneId]
		}
		id, err := s.subnetFor(cluster.NetworkId, l.ZoneId, l.SubnetId)
		if err != nil {
			return nil, err
		}
		l.SubnetId = id
	}
	return policy, nil
}

func securityGroups(g *pb.NodeGroup) []string {
	var out []string
	for _, nic := range g.NodeTemplate.GetNetworkInterfaceSpecs() {
		out = append(out, nic.SecurityGroupIds...)
	}
	return out
}

// hasPublicIP: "Setting up one-to-one NAT ensures that public IP addresses are
// assigned to nodes" (node.proto).
func hasPublicIP(g *pb.NodeGroup) bool {
	//nolint:staticcheck // the deprecated field is what older clients send
	if g.NodeTemplate.GetV4AddressSpec().GetOneToOneNatSpec() != nil {
		return true
	}
	for _, nic := range g.NodeTemplate.GetNetworkInterfaceSpecs() {
		if nic.PrimaryV4AddressSpec.GetOneToOneNatSpec() != nil {
			return true
		}
	}
	return false
}

// size is how many nodes a group shall have. Nothing scales by itself here.
func size(g *pb.NodeGroup) int {
	if auto := g.ScalePolicy.GetAutoScale(); auto != nil {
		return int(max(auto.InitialSize, auto.MinSize))
	}
	return int(g.ScalePolicy.GetFixedScale().GetSize())
}
