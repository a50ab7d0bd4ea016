package main

import (
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/diagnose"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// clusterPlan is what a ward is made with; the zero value is one that works.
type clusterPlan struct {
	plain, plainNodes, noNodes bool
	channel                    k8s.ReleaseChannel
	closedSubnet, closedGroup  bool
	keysPrivate                bool
}

// ward is a managed cluster with a workload that is let in.
type ward struct {
	*patient
	cluster    *k8s.Cluster
	annotation map[string]string
	subnet     string
}

func newWard(t *testing.T, plan clusterPlan) *ward {
	t.Helper()
	w := &ward{patient: newPatient(t), cluster: &k8s.Cluster{}}
	if plan.keysPrivate {
		w.set(func(s *settings.Settings) { s.Bugs = map[string][]string{w.announce.FolderID: {"JWKSPrivate"}} })
	}
	w.grant("k8s.clusters.agent", w.announce.FolderID)
	var network, group string
	network, w.subnet, group = w.network(plan)
	if plan.channel == k8s.ReleaseChannel_RELEASE_CHANNEL_UNSPECIFIED {
		plan.channel = k8s.ReleaseChannel_RAPID
	}
	op, err := w.client.Clusters().Create(t.Context(), &k8s.CreateClusterRequest{
		FolderId: w.announce.FolderID, Name: "doctor", NetworkId: network, ServiceAccountId: w.account, NodeServiceAccountId: w.account, ReleaseChannel: plan.channel,
		WorkloadIdentityFederation: &k8s.WorkloadIdentityFederationSpec{Enabled: !plan.plain},
		MasterSpec: &k8s.MasterSpec{Version: "1.34", MasterType: &k8s.MasterSpec_ZonalMasterSpec{ZonalMasterSpec: &k8s.ZonalMasterSpec{
			ZoneId: "ru-central1-a", InternalV4AddressSpec: &k8s.InternalAddressSpec{SubnetId: w.subnet}}}},
	})
	w.must(err)
	w.must(w.client.Wait(t.Context(), "cluster", op, w.cluster, nil))
	if !plan.noNodes {
		op, err = w.client.NodeGroups().Create(t.Context(), &k8s.CreateNodeGroupRequest{
			ClusterId: w.cluster.GetId(), Name: "nodes",
			ScalePolicy:                &k8s.ScalePolicy{ScaleType: &k8s.ScalePolicy_FixedScale_{FixedScale: &k8s.ScalePolicy_FixedScale{Size: 1}}},
			AllocationPolicy:           &k8s.NodeGroupAllocationPolicy{Locations: []*k8s.NodeGroupLocation{{ZoneId: "ru-central1-a"}}},
			WorkloadIdentityFederation: &k8s.NodeGroupWorkloadIdentityFederation{Enabled: !plan.plain && !plan.plainNodes},
			NodeTemplate: &k8s.NodeTemplate{PlatformId: "standard-v3", ResourcesSpec: &k8s.ResourcesSpec{Cores: 2, Memory: 4 << 30, CoreFraction: 100},
				BootDiskSpec:          &k8s.DiskSpec{DiskTypeId: "network-ssd", DiskSize: 64 << 30},
				NetworkInterfaceSpecs: []*k8s.NetworkInterfaceSpec{{SubnetIds: []string{w.subnet}, SecurityGroupIds: []string{group}, PrimaryV4AddressSpec: &k8s.NodeAddressSpec{}}}},
		})
		w.must(err)
		w.must(w.client.Wait(t.Context(), "nodes", op, nil, nil))
	}
	w.annotation = map[string]string{diagnose.Annotation: w.account}
	w.kube.serve("wlif", "app", w.annotation)
	if !plan.plain {
		w.federate()
	}
	return w
}

func (w *ward) network(plan clusterPlan) (network, subnet, group string) {
	ctx, c, folder := w.t.Context(), w.client, w.announce.FolderID
	madeNetwork, madeSubnet, madeGroup, madeTable, gateway := &vpc.Network{}, &vpc.Subnet{}, &vpc.SecurityGroup{}, &vpc.RouteTable{}, &vpc.Gateway{}
	op, err := c.Networks().Create(ctx, &vpc.CreateNetworkRequest{FolderId: folder, Name: "net"})
	w.must(err)
	w.must(c.Wait(ctx, "network", op, madeNetwork, nil))
	if !plan.closedSubnet {
		op, err = c.Gateways().Create(ctx, &vpc.CreateGatewayRequest{FolderId: folder, Name: "nat", Gateway: &vpc.CreateGatewayRequest_SharedEgressGatewaySpec{SharedEgressGatewaySpec: &vpc.SharedEgressGatewaySpec{}}})
		w.must(err)
		w.must(c.Wait(ctx, "gateway", op, gateway, nil))
		op, err = c.RouteTables().Create(ctx, &vpc.CreateRouteTableRequest{FolderId: folder, Name: "routes", NetworkId: madeNetwork.GetId(), StaticRoutes: []*vpc.StaticRoute{{
			Destination: &vpc.StaticRoute_DestinationPrefix{DestinationPrefix: "0.0.0.0/0"}, NextHop: &vpc.StaticRoute_GatewayId{GatewayId: gateway.GetId()}}}})
		w.must(err)
		w.must(c.Wait(ctx, "routes", op, madeTable, nil))
	}
	op, err = c.Subnets().Create(ctx, &vpc.CreateSubnetRequest{FolderId: folder, Name: "subnet", NetworkId: madeNetwork.GetId(), ZoneId: "ru-central1-a",
		V4CidrBlocks: []string{"10.1.0.0/24"}, RouteTableId: madeTable.GetId()})
	w.must(err)
	w.must(c.Wait(ctx, "subnet", op, madeSubnet, nil))
	out := "0.0.0.0/0"
	if plan.closedGroup {
		out = "10.0.0.0/8"
	}
	op, err = c.SecurityGroups().Create(ctx, &vpc.CreateSecurityGroupRequest{FolderId: folder, Name: "group", NetworkId: madeNetwork.GetId(), RuleSpecs: []*vpc.SecurityGroupRuleSpec{{
		Direction: vpc.SecurityGroupRule_EGRESS, Protocol: &vpc.SecurityGroupRuleSpec_ProtocolName{ProtocolName: "ANY"},
		Target: &vpc.SecurityGroupRuleSpec_CidrBlocks{CidrBlocks: &vpc.CidrBlocks{V4CidrBlocks: []string{out}}}}}})
	w.must(err)
	w.must(c.Wait(ctx, "group", op, madeGroup, nil))
	return madeNetwork.GetId(), madeSubnet.GetId(), madeGroup.GetId()
}

// federate lets the cluster's workload in.
func (w *ward) federate() {
	federated := w.cluster.GetWorkloadIdentityFederation()
	w.kube.mu.Lock()
	w.kube.signer.URL = federated.GetIssuer()
	w.kube.mu.Unlock()
	var err error
	w.federation, err = w.fixtures.Federation(w.t.Context(), "cluster", provision.FederationSpec{Issuer: federated.GetIssuer(), JWKSURL: federated.GetJwksUri(), Audiences: []string{federated.GetIssuer()}})
	w.must(err)
	w.credential, err = w.fixtures.Link(w.t.Context(), w.account, w.federation.GetId(), patientSubject)
	w.must(err)
}

// ask runs the command for the workload.
func (w *ward) ask(extra ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	return command(w.t, append([]string{"doctor", "exchange", "--federation", w.federation.GetId(), "--service-account", w.account,
		"--workload", "wlif/app", "--cluster-id", w.cluster.GetId()}, extra...)...)
}

func TestDoctorFindsNothingWrongWithAWorkloadThatWorks(t *testing.T) {
	w := newWard(t, clusterPlan{})
	code, stdout, stderr := w.ask()
	if code != 0 || stderr != "" || strings.Contains(stdout, "MISSING") || strings.Contains(stdout, "unseen") || !strings.Contains(stdout, "The exchange works") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}

// Each mistake is planted alone in a cluster and a workload that work.
func TestDoctorFindsThePlantedMistakeOfTheCluster(t *testing.T) {
	for _, tc := range []struct {
		title string
		plan  clusterPlan
		plant func(*ward)
		name  string
		fix   string
		extra []string
	}{
		{"federation not enabled on the cluster", clusterPlan{plain: true}, nil, diagnose.ClusterPlain, "cluster update --id", nil},
		{"a channel that lacks it", clusterPlan{plain: true, channel: k8s.ReleaseChannel_REGULAR}, nil, diagnose.ChannelLacks, "--release-channel rapid", nil},
		{"not enabled on the node group", clusterPlan{plainNodes: true}, nil, diagnose.NodesPlain, "node-group update --id", nil},
		{"no nodes", clusterPlan{noNodes: true}, nil, diagnose.NoNodes, "node-group create", nil},
		{"no way out of the subnet", clusterPlan{closedSubnet: true}, nil, diagnose.NoEgress, "NAT gateway", nil},
		{"security group", clusterPlan{closedGroup: true}, nil, diagnose.GroupsHoldTraffic, "egress, any protocol", nil},
		{"no annotation", clusterPlan{}, func(w *ward) { w.kube.serve("wlif", "app", nil) }, diagnose.AnnotationMissing, "kubectl --namespace wlif annotate", nil},
		{"another account in the annotation", clusterPlan{}, func(w *ward) {
			w.kube.serve("wlif", "app", map[string]string{diagnose.Annotation: "aje0123456789abcdefg"})
		}, diagnose.AnnotationOther, "kubectl --namespace wlif annotate", nil},
		{"no Kubernetes service account", clusterPlan{}, func(w *ward) { w.kube.serve("wlif", "other", nil) }, diagnose.AccountAbsent, "create serviceaccount app", nil},
		{"keys were rotated", clusterPlan{}, func(w *ward) {
			next, err := issuer.New(w.cluster.GetWorkloadIdentityFederation().GetIssuer())
			w.must(err)
			w.kube.sign(next)
		}, exchange.KidNotInJWKS, "`kubectl get --raw /openid/v1/jwks` prints the present ones", nil},
		{"cluster stopped", clusterPlan{}, func(w *ward) {
			op, err := w.client.Clusters().Stop(w.t.Context(), &k8s.StopClusterRequest{ClusterId: w.cluster.GetId()})
			w.must(err)
			w.must(w.client.Wait(w.t.Context(), "stop", op, nil, nil))
		}, diagnose.ClusterNotRunning, "cluster start", nil},
		{"federation with a slash", clusterPlan{}, func(w *ward) {
			w.must(w.fixtures.Delete(w.t.Context(), w.credential))
			made, err := w.fixtures.Federation(w.t.Context(), "slash", provision.FederationSpec{Issuer: w.federation.GetIssuer() + "/", JWKSURL: w.federation.GetJwksUrl(), Audiences: w.federation.GetAudiences()})
			w.must(err)
			_, err = w.fixtures.Link(w.t.Context(), w.account, made.GetId(), patientSubject)
			w.must(err)
			w.federation = made
		}, exchange.TrailingSlash, "Create a federation whose issuer", nil},
	} {
		t.Run(tc.title, func(t *testing.T) {
			w := newWard(t, tc.plan)
			if tc.plant != nil {
				tc.plant(w)
			}
			_, stdout, stderr := w.ask(tc.extra...)
			if !strings.Contains(stdout, tc.name+":") || !strings.Contains(stdout, tc.fix) {
				t.Errorf("%q with %q is not said:\n%s%s", tc.name, tc.fix, stdout, stderr)
			}
			for line := range strings.Lines(stdout) {
				if strings.HasPrefix(line, "MISSING") && !strings.Contains(line, tc.name+":") {
					t.Errorf("another mistake is found: %s", line)
				}
			}
		})
	}
}

// Who exchanges tokens by hand needs neither the nodes' federation nor the annotation.
func TestDoctorOfTokensExchangedByHand(t *testing.T) {
	w := newWard(t, clusterPlan{plainNodes: true})
	w.kube.serve("wlif", "app", nil)
	if code, stdout, stderr := w.ask(); code != 1 || !strings.Contains(stdout, "The exchange works") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := w.ask("--by-hand"); code != 0 || strings.Contains(stdout, "MISSING") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
	w.update(func(r *oidc.UpdateFederationRequest) { r.Disabled = true }, "disabled")
	if code, stdout, stderr := w.ask("--by-hand"); code != 1 || !strings.Contains(stdout, "Enable the federation") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}

func TestDoctorOfAWorkloadThatIsNamedWrongly(t *testing.T) {
	w := newWard(t, clusterPlan{})
	for want, args := range map[string][]string{
		"NAMESPACE/NAME":                 {"--workload", "app"},
		"looking up the cluster catnone": {"--cluster-id", "catnone"},
	} {
		if code, stdout, stderr := w.ask(args...); code != 2 || !strings.Contains(stdout+stderr, want) {
			t.Errorf("%q: code %d: %s%s", args, code, stdout, stderr)
		}
	}
	w.mock.Settings().Change(func(s *settings.Settings) {
		s.Faults = []settings.Fault{{Method: "yandex.cloud.k8s.v1.ClusterService/ListNodeGroups", Code: "PERMISSION_DENIED"}}
	})
	if code, stdout, stderr := w.ask(); code != 0 || !strings.Contains(stdout, "unseen") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}
