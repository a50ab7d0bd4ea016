package mk8s

import (
	"context"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/validate"
)

// plan checks a Create request and returns the row of the cluster to be.
func (s *Service) plan(ctx context.Context, req *pb.CreateClusterRequest) (*pb.Cluster, error) {
	spec := req.MasterSpec
	if err := s.places(req); err != nil {
		return nil, err
	}
	row := &pb.Cluster{
		Id: kernel.NewID(kernel.PrefixCluster), FolderId: req.FolderId, CreatedAt: s.now(),
		Name: req.Name, Description: req.Description, Labels: req.Labels,
		Status: pb.Cluster_PROVISIONING, NetworkId: req.NetworkId,
		ServiceAccountId: req.ServiceAccountId, NodeServiceAccountId: req.NodeServiceAccountId,
		ReleaseChannel: req.ReleaseChannel, NetworkPolicy: req.NetworkPolicy, KmsProvider: req.KmsProvider,
		IpAllocationPolicy: addressRanges(req.IpAllocationPolicy),
	}
	if req.GetGatewayIpv4Address() != "" {
		row.InternetGateway = &pb.Cluster_GatewayIpv4Address{GatewayIpv4Address: req.GetGatewayIpv4Address()}
	}
	if req.GetCilium() != nil {
		row.NetworkImplementation = &pb.Cluster_Cilium{Cilium: req.GetCilium()}
	}
	if row.ReleaseChannel == pb.ReleaseChannel_RELEASE_CHANNEL_UNSPECIFIED {
		row.ReleaseChannel = pb.ReleaseChannel_REGULAR
	}
	version, err := s.pickVersion(spec.Version, row.ReleaseChannel, req.WorkloadIdentityFederation.GetEnabled())
	if err != nil {
		return nil, err
	}
	if req.WorkloadIdentityFederation.GetEnabled() {
		row.WorkloadIdentityFederation = s.federation(row)
	}
	if row.Master, err = s.master(req, version); err != nil {
		return nil, err
	}
	return row, s.agents(ctx, req)
}

// places checks that network and security groups can be used.
func (s *Service) places(req *pb.CreateClusterRequest) error {
	// Its comment says "This field is required", its options do not.
	if req.NetworkId == "" {
		return kernel.Invalid(validate.Violation{Field: "network_id", Text: "Field is required"})
	}
	if _, err := s.o.VPC.Network(req.NetworkId); err != nil {
		return err
	}
	return s.checkGroups(req.NetworkId, req.MasterSpec.SecurityGroupIds)
}

func (s *Service) checkGroups(networkID string, ids []string) error {
	for _, id := range ids {
		group, err := s.o.VPC.SecurityGroup(id)
		if err != nil {
			return err
		}
		if group.NetworkId != networkID {
			return s.k.Guess("vpc/other-network", "Security group "+id)
		}
	}
	return nil
}

// pickVersion is the version asked for, or the channel's newest.
func (s *Service) pickVersion(want string, channel pb.ReleaseChannel, federated bool) (string, error) {
	offered := s.offered(channel)
	if want == "" && len(offered) > 0 {
		want = offered[0]
	}
	if federated {
		if err := s.mayFederate(want, channel); err != nil {
			return "", err
		}
	}
	for _, v := range offered {
		if v == want {
			return want, nil
		}
	}
	return "", s.k.Guess("k8s/version-not-available", want)
}

// agents checks what a public address needs of the caller, and what the cluster's
// own service account must have ("k8s.clusters.agent", and "vpc.publicAdmin" for
// public access).
func (s *Service) agents(ctx context.Context, req *pb.CreateClusterRequest) error {
	folder := state.Ref{Type: kindFolder, ID: req.FolderId}
	needs := []struct{ permission, role string }{{"managed-kubernetes.agents.cluster", "k8s.clusters.agent"}}
	if isPublic(req.MasterSpec) {
		if err := s.mayBePublic(ctx, folder); err != nil {
			return err
		}
		needs = append(needs, struct{ permission, role string }{"vpc.publicAccess.use", "vpc.publicAdmin"})
	}
	agent := access.Subject{Type: access.ServiceAccount, ID: req.ServiceAccountId}
	for _, n := range needs {
		if s.k.Decider.Allowed(agent, access.Need{Permission: n.permission, On: folder}) {
			continue
		}
		const answer = "k8s/service-account-no-role"
		if err := s.k.Guess(answer, agent.ID, n.role); err != nil {
			return kernel.Refuse(answer+":"+n.role, err)
		}
	}
	return nil
}

func (s *Service) mayBePublic(ctx context.Context, folder state.Ref) error {
	const permission = "vpc.publicAccess.use"
	if s.k.Allowed(ctx, permission, folder) {
		return nil
	}
	return s.k.Denied(access.Need{Permission: permission, On: folder})
}

// isPublic: an empty specification asks for an address, too.
func isPublic(spec *pb.MasterSpec) bool {
	return spec.ExternalV4AddressSpec != nil || spec.GetZonalMasterSpec().GetExternalV4AddressSpec() != nil || spec.GetRegionalMasterSpec().GetExternalV4AddressSpec() != nil
}

// master is the control plane before it runs.
func (s *Service) master(req *pb.CreateClusterRequest, version string) (*pb.Master, error) {
	spec := req.MasterSpec
	m := &pb.Master{
		Version: version, VersionInfo: &pb.VersionInfo{CurrentVersion: version},
		EtcdClusterSize: spec.EtcdClusterSize, SecurityGroupIds: spec.SecurityGroupIds,
		MaintenancePolicy: spec.MaintenancePolicy, MasterLogging: spec.MasterLogging,
		Endpoints: &pb.MasterEndpoints{}, MasterAuth: &pb.MasterAuth{},
	}
	if m.MaintenancePolicy == nil {
		m.MaintenancePolicy = &pb.MasterMaintenancePolicy{AutoUpgrade: true,
			MaintenanceWindow: &pb.MaintenanceWindow{Policy: &pb.MaintenanceWindow_Anytime{Anytime: &pb.AnytimeMaintenanceWindow{}}}}
	}
	switch kind := spec.MasterType.(type) {
	case *pb.MasterSpec_ZonalMasterSpec:
		z := kind.ZonalMasterSpec
		m.MasterType = &pb.Master_ZonalMaster{ZonalMaster: &pb.ZonalMaster{ZoneId: z.ZoneId}}
		m.Locations = append(m.Locations, &pb.Location{ZoneId: z.ZoneId, SubnetId: z.InternalV4AddressSpec.GetSubnetId()})
	case *pb.MasterSpec_RegionalMasterSpec:
		r := kind.RegionalMasterSpec
		m.MasterType = &pb.Master_RegionalMaster{RegionalMaster: &pb.RegionalMaster{RegionId: r.RegionId}}
		for _, l := range r.Locations {
			m.Locations = append(m.Locations, &pb.Location{ZoneId: l.ZoneId, SubnetId: l.InternalV4AddressSpec.GetSubnetId()})
		}
	}
	for _, l := range spec.Locations {
		m.Locations = append(m.Locations, &pb.Location{ZoneId: l.ZoneId, SubnetId: l.SubnetId})
	}
	if len(m.Locations) == 0 {
		return nil, kernel.Invalid(validate.Violation{Field: "master_spec.locations", Text: "Field is required"})
	}
	for _, l := range m.Locations {
		subnet, err := s.subnetFor(req.NetworkId, l.ZoneId, l.SubnetId)
		if err != nil {
			return nil, err
		}
		l.SubnetId = subnet
	}
	if m.EtcdClusterSize == 0 {
		m.EtcdClusterSize = int64(len(m.Locations))
	}
	return m, nil
}

// subnetFor checks a subnet, or finds the only one of a zone ("If not specified
// and there is a single subnet in specified zone, address in this subnet will be
// allocated", cluster_service.proto).
func (s *Service) subnetFor(networkID, zoneID, subnetID string) (string, error) {
	if subnetID == "" {
		in := s.o.VPC.SubnetsIn(networkID, zoneID)
		if len(in) != 1 {
			return "", s.k.Guess("k8s/subnet-missing", zoneID)
		}
		subnetID = in[0].Id
	}
	subnet, err := s.o.VPC.Subnet(subnetID)
	switch {
	case err != nil:
		return "", err
	case subnet.NetworkId != networkID:
		return "", s.k.Guess("vpc/other-network", "Subnet "+subnetID)
	case subnet.ZoneId != zoneID:
		return "", s.k.Guess("k8s/subnet-zone", subnetID, zoneID)
	}
	return subnetID, nil
}

// addressRanges fills in the documented defaults.
func addressRanges(want *pb.IPAllocationPolicy) *pb.IPAllocationPolicy {
	if want == nil {
		want = &pb.IPAllocationPolicy{}
	}
	if want.ClusterIpv4CidrBlock == "" {
		want.ClusterIpv4CidrBlock = "10.112.0.0/16"
	}
	if want.ServiceIpv4CidrBlock == "" {
		want.ServiceIpv4CidrBlock = "10.96.0.0/16"
	}
	if want.NodeIpv4CidrMaskSize == 0 {
		want.NodeIpv4CidrMaskSize = 24
	}
	return want
}

// federation is what a cluster with federation reports.
func (s *Service) federation(row *pb.Cluster) *pb.WorkloadIdentityFederation {
	signer := row.Id
	if id, _, ok := s.standInOf(row.FolderId); ok {
		signer = id
	}
	w := &pb.WorkloadIdentityFederation{Enabled: true, Issuer: s.issuerOf(signer), JwksUri: s.jwksOf(signer)}
	s.policyIn(row.FolderId).report(w)
	return w
}
