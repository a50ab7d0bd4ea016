package provision

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Roles of the cluster's accounts (documentation of Managed Service for
// Kubernetes, "Access management"): the agent, public addresses for it, and
// pulling images for the nodes.
var (
	clusterRoles = []string{"k8s.clusters.agent", "vpc.publicAdmin"}
	nodeRoles    = []string{"container-registry.images.puller"}
)

const methodBindings = "yandex.cloud.resourcemanager.v1.FolderService/UpdateAccessBindings"

func (p *plan) clusterSteps() []Step {
	return append(p.masterSteps(), p.nodeGroup())
}

// masterSteps make the cluster without nodes.
func (p *plan) masterSteps() []Step {
	needs := []string{StepSecurityGroup}
	for i, at := range p.cfg.Places() {
		needs = append(needs, stepOfSubnet(i, at))
	}
	var steps []Step
	for _, a := range []struct {
		step, withRoles, what, key, given string
		id                                *string
		roles                             []string
	}{
		{StepClusterSA, StepClusterSARoles, "cluster-sa", "cluster_service_account_id", p.cfg.ClusterServiceAccountID, &p.clusterSA, clusterRoles},
		{StepNodeSA, StepNodeSARoles, "node-sa", "node_service_account_id", p.cfg.NodeServiceAccountID, &p.nodeSA, nodeRoles},
	} {
		if a.given != "" {
			steps = append(steps, p.givenAccount(a.step, a.key, a.given, func(found *iam.ServiceAccount) { *a.id = found.GetId() }))
			needs = append(needs, a.step)
			continue
		}
		steps = append(steps, p.account(a.step, a.what, a.id), p.roles(a.withRoles, a.step, a.id, a.roles))
		needs = append(needs, a.withRoles)
	}
	if p.version == "" {
		steps = append(steps, p.newestVersion())
		needs = append(needs, StepVersion)
	}
	return append(steps, p.cluster(needs))
}

func (p *plan) account(step, what string, id *string) Step {
	return p.creating(Step{Name: step, Methods: []string{"yandex.cloud.iam.v1.ServiceAccountService/Create"}}, KindServiceAccount,
		func(created string) { *id = created },
		func() creation {
			name := p.name(what)
			return creation{name: name, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().ServiceAccounts().Create(ctx, &iam.CreateServiceAccountRequest{FolderId: p.b.folder, Name: name, Labels: p.b.labels})
			}}
		})
}

// roles gives an account roles on the folder, in one call: two would fight for
// the folder's bindings. Each role has its own record in the ledger, because each
// is deleted by itself.
func (p *plan) roles(step, needs string, account *string, roles []string) Step {
	s := Step{Name: step, Needs: []string{needs}, Kind: KindAccessBinding, Methods: []string{methodBindings}}
	s.Do = func(ctx context.Context, report func(string)) (string, error) {
		return *account, p.b.bind(ctx, step, *account, roles, report)
	}
	return p.step(s)
}

// newestVersion picks the newest version of the release channel.
func (p *plan) newestVersion() Step {
	return p.lookup(StepVersion, "yandex.cloud.k8s.v1.VersionService/List", func(ctx context.Context) (string, error) {
		r, err := p.client().Versions().List(ctx, &k8s.ListVersionsRequest{})
		if err != nil {
			return "", cloud.While(err, "listing the Kubernetes versions on offer")
		}
		for _, channel := range r.GetAvailableVersions() {
			if channel.GetReleaseChannel() == p.channel() {
				p.version = newest(channel.GetVersions())
			}
		}
		if p.version == "" {
			return "", fmt.Errorf("choosing a Kubernetes version: the release channel %s offers none; set k8s_version or release_channel", p.cfg.ReleaseChannel)
		}
		return p.version, nil
	})
}

// newest compares minors as numbers: 1.9 is older than 1.10.
func newest(versions []string) string {
	best, bestMinor := "", -1
	for _, v := range versions {
		if n, err := strconv.Atoi(strings.TrimPrefix(v, "1.")); err == nil && n > bestMinor {
			best, bestMinor = v, n
		}
	}
	return best
}

func (p *plan) channel() k8s.ReleaseChannel {
	return k8s.ReleaseChannel(k8s.ReleaseChannel_value[strings.ToUpper(p.cfg.ReleaseChannel)])
}

// cluster creates the cluster.
func (p *plan) cluster(needs []string) Step {
	made := &k8s.Cluster{}
	s := p.creating(Step{Name: StepCluster, Needs: needs, Methods: []string{"yandex.cloud.k8s.v1.ClusterService/Create"},
		Timeout: p.cfg.Timeouts.ClusterCreate.D(), TimeoutKey: "timeout.cluster_create"}, KindCluster, nil,
		func() creation {
			return creation{name: p.name("cluster"), response: made, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().Clusters().Create(ctx, p.clusterRequest())
			}}
		})
	create := p.inForce(s.Do)
	s.Do = func(ctx context.Context, report func(string)) (string, error) {
		id, err := create(ctx, report)
		if err != nil {
			return id, err
		}
		p.target.Cluster = ClusterOf(made, p.cfg.InternalEndpoint)
		if p.federated && p.target.Cluster.Issuer == "" {
			return id, fmt.Errorf("creating cluster %s: it was asked for with workload identity federation and reports no issuer", id)
		}
		return id, nil
	}
	return s
}

func (p *plan) clusterRequest() *k8s.CreateClusterRequest {
	request := &k8s.CreateClusterRequest{
		FolderId: p.b.folder, Name: p.name("cluster"), Labels: p.b.labels, NetworkId: p.target.NetworkID,
		ServiceAccountId: p.clusterSA, NodeServiceAccountId: p.nodeSA,
		ReleaseChannel:             p.channel(),
		WorkloadIdentityFederation: &k8s.WorkloadIdentityFederationSpec{Enabled: p.federated},
		IpAllocationPolicy:         &k8s.IPAllocationPolicy{ClusterIpv4CidrBlock: podCIDR, ServiceIpv4CidrBlock: serviceCIDR},
		MasterSpec: &k8s.MasterSpec{
			Version: p.version, SecurityGroupIds: []string{p.target.SecurityGroupID},
		},
	}
	// An empty spec asks for an address: the suite reaches the API from outside.
	public := &k8s.ExternalAddressSpec{}
	if !p.cfg.Regional {
		request.MasterSpec.MasterType = &k8s.MasterSpec_ZonalMasterSpec{ZonalMasterSpec: &k8s.ZonalMasterSpec{
			ZoneId: p.zone, InternalV4AddressSpec: &k8s.InternalAddressSpec{SubnetId: p.target.SubnetID}, ExternalV4AddressSpec: public}}
		return request
	}
	regional := &k8s.RegionalMasterSpec{RegionId: p.cfg.Region(), ExternalV4AddressSpec: public}
	for i, at := range p.cfg.Places() {
		regional.Locations = append(regional.Locations, &k8s.MasterLocation{ZoneId: at.Zone, InternalV4AddressSpec: &k8s.InternalAddressSpec{SubnetId: p.subnets[i]}})
	}
	request.MasterSpec.MasterType = &k8s.MasterSpec_RegionalMasterSpec{RegionalMasterSpec: regional}
	return request
}

// ClusterOf is what a run knows of a cluster as the cloud describes it; with internal
// it is reached from inside its network.
func ClusterOf(c *k8s.Cluster, internal bool) Cluster {
	wlif, endpoints := c.GetWorkloadIdentityFederation(), c.GetMaster().GetEndpoints()
	endpoint := endpoints.GetExternalV4Endpoint()
	if internal || endpoint == "" {
		endpoint = endpoints.GetInternalV4Endpoint()
	}
	return Cluster{ID: c.GetId(), Name: c.GetName(), Version: c.GetMaster().GetVersion(), ReleaseChannel: strings.ToLower(c.GetReleaseChannel().String()),
		Issuer: wlif.GetIssuer(), JWKSURL: wlif.GetJwksUri(), Endpoint: endpoint, CA: c.GetMaster().GetMasterAuth().GetClusterCaCertificate()}
}

func (p *plan) nodeGroup() Step {
	return p.creating(Step{Name: StepNodeGroup, Needs: []string{StepCluster}, Methods: []string{"yandex.cloud.k8s.v1.NodeGroupService/Create"},
		Timeout: p.cfg.Timeouts.NodeGroupCreate.D(), TimeoutKey: "timeout.node_group_create"}, KindNodeGroup,
		func(id string) { p.nodeGroupID = id },
		func() creation {
			return creation{name: p.name("nodes"), parent: p.target.Cluster.ID, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().NodeGroups().Create(ctx, p.nodeGroupRequest())
			}}
		})
}

func (p *plan) nodeGroupRequest() *k8s.CreateNodeGroupRequest {
	const gib = 1 << 30
	n := p.cfg.Node
	return &k8s.CreateNodeGroupRequest{
		ClusterId: p.target.Cluster.ID, Name: p.name("nodes"), Labels: p.b.labels, Version: p.version,
		ScalePolicy:                &k8s.ScalePolicy{ScaleType: &k8s.ScalePolicy_FixedScale_{FixedScale: &k8s.ScalePolicy_FixedScale{Size: 1}}},
		AllocationPolicy:           &k8s.NodeGroupAllocationPolicy{Locations: []*k8s.NodeGroupLocation{{ZoneId: p.zone}}},
		WorkloadIdentityFederation: &k8s.NodeGroupWorkloadIdentityFederation{Enabled: p.federated && !p.plainNodes},
		NodeTemplate: &k8s.NodeTemplate{
			PlatformId: n.Platform, Labels: p.b.labels,
			ResourcesSpec:    &k8s.ResourcesSpec{Cores: int64(n.Cores), Memory: int64(n.MemoryGiB) * gib, CoreFraction: 100},
			BootDiskSpec:     &k8s.DiskSpec{DiskTypeId: n.DiskType, DiskSize: int64(n.DiskGiB) * gib},
			SchedulingPolicy: &k8s.SchedulingPolicy{Preemptible: n.Preemptible},
			NetworkInterfaceSpecs: []*k8s.NetworkInterfaceSpec{{SubnetIds: []string{p.target.SubnetID}, SecurityGroupIds: []string{p.target.SecurityGroupID},
				PrimaryV4AddressSpec: &k8s.NodeAddressSpec{}}},
		},
	}
}
