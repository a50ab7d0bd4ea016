package mk8s_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	vpcpb "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gatetest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/mk8s"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/vpc"
)

type cloud struct {
	*gatetest.Cloud
	t        *testing.T
	engine   *fakeEngine
	files    *files
	k8s      *mk8s.Service
	dir      string
	admin    context.Context
	clusters pb.ClusterServiceClient
	groups   pb.NodeGroupServiceClient

	accounts                 *state.Table[*iam.ServiceAccount]
	agent, nodeAgent         access.Subject
	network, subnet, open    string
	otherNetwork, deadSubnet string
}

// options of the service; WebhookURL and Egress are recognised by the tests.
func (c *cloud) options(k *kernel.Kernel, v *vpc.VPC) mk8s.Options {
	o := mk8s.Options{
		Kernel: k, VPC: v, Publisher: c.files, Authenticator: authenticator{k}, Dir: c.dir,
		WebhookURL: func(id string) string { return "https://mock/review/" + id }, WebhookCA: []byte("CA"),
		Egress: func() *localcluster.Egress {
			return &localcluster.Egress{Hosts: map[string]string{"auth.yandex.cloud": "127.0.0.1:1"}}
		},
		StorageBase: "https://storage.yandexcloud.net",
		Exchange: func(_ context.Context, account, token string) (string, time.Time, string, error) {
			iamToken, refusal, err := exchangeOf(account, token)
			return iamToken, k.Clock.Now().Add(12 * time.Hour), refusal, err
		},
		Mint: func(account string) (string, time.Time) { return "t1." + account, k.Clock.Now().Add(12 * time.Hour) },
	}
	if c.engine != nil {
		o.Engine = c.engine
	}
	return o
}

// authenticator is what the gate does, without the state of accounts.
type authenticator struct{ k *kernel.Kernel }

func (a authenticator) Authenticate(token string) (access.Subject, error) {
	s, err := a.k.Tokens.Read(token, a.k.Clock.Now())
	if err != nil {
		return s, kernel.Refuse("token:invalid", err)
	}
	return s, nil
}

func start(t *testing.T, real bool) *cloud {
	c := &cloud{t: t, dir: t.TempDir(), files: &files{all: map[string]string{}, types: map[string]string{}}}
	if real {
		c.engine = &fakeEngine{t: t, clusters: map[string]*fakeCluster{}}
	}
	c.Cloud = gatetest.Start(t, func(k *kernel.Kernel) []kernel.Service {
		c.accounts = state.NewTable[*iam.ServiceAccount](k.Store, "iam.serviceAccount")
		v := vpc.New(k)
		c.k8s = mk8s.New(c.options(k, v))
		return append(v.Services(), c.k8s.Services()...)
	})
	c.admin = c.With("k8s.admin", "iam.serviceAccounts.user", "vpc.admin")
	c.clusters, c.groups = pb.NewClusterServiceClient(c.Conn), pb.NewNodeGroupServiceClient(c.Conn)
	c.agent, c.nodeAgent = c.Subject("k8s.clusters.agent", "vpc.publicAdmin"), c.Subject()
	c.addAccount(c.agent)
	c.addAccount(c.nodeAgent)
	c.land()
	t.Cleanup(func() {
		if err := c.k8s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *cloud) addAccount(s access.Subject) {
	c.t.Helper()
	if err := c.accounts.Insert(&iam.ServiceAccount{Id: s.ID, FolderId: c.Folder}, nil); err != nil {
		c.t.Fatal(err)
	}
}

// onlyCluster is the id of the one cluster that the folder has.
func (c *cloud) onlyCluster() string {
	c.t.Helper()
	resp, err := c.clusters.List(c.admin, &pb.ListClustersRequest{FolderId: c.Folder})
	if err != nil || len(resp.Clusters) != 1 {
		c.t.Fatalf("clusters %v, %v", resp, err)
	}
	return resp.Clusters[0].Id
}

// land makes a network with a subnet that has a way out and one that has none.
func (c *cloud) land() {
	c.t.Helper()
	networks, subnets := vpcpb.NewNetworkServiceClient(c.Conn), vpcpb.NewSubnetServiceClient(c.Conn)
	op, err := networks.Create(c.admin, &vpcpb.CreateNetworkRequest{FolderId: c.Folder})
	n := gatetest.Done[*vpcpb.Network](c.t, op, err)
	op, err = networks.Create(c.admin, &vpcpb.CreateNetworkRequest{FolderId: c.Folder})
	c.otherNetwork = gatetest.Done[*vpcpb.Network](c.t, op, err).Id
	op, err = vpcpb.NewGatewayServiceClient(c.Conn).Create(c.admin, &vpcpb.CreateGatewayRequest{FolderId: c.Folder,
		Gateway: &vpcpb.CreateGatewayRequest_SharedEgressGatewaySpec{SharedEgressGatewaySpec: &vpcpb.SharedEgressGatewaySpec{}}})
	gw := gatetest.Done[*vpcpb.Gateway](c.t, op, err)
	op, err = vpcpb.NewRouteTableServiceClient(c.Conn).Create(c.admin, &vpcpb.CreateRouteTableRequest{FolderId: c.Folder, NetworkId: n.Id,
		StaticRoutes: []*vpcpb.StaticRoute{{Destination: &vpcpb.StaticRoute_DestinationPrefix{DestinationPrefix: "0.0.0.0/0"}, NextHop: &vpcpb.StaticRoute_GatewayId{GatewayId: gw.Id}}}})
	rt := gatetest.Done[*vpcpb.RouteTable](c.t, op, err)
	op, err = subnets.Create(c.admin, &vpcpb.CreateSubnetRequest{FolderId: c.Folder, NetworkId: n.Id, ZoneId: "ru-central1-a", V4CidrBlocks: []string{"10.1.0.0/24"}, RouteTableId: rt.Id})
	c.subnet = gatetest.Done[*vpcpb.Subnet](c.t, op, err).Id
	op, err = subnets.Create(c.admin, &vpcpb.CreateSubnetRequest{FolderId: c.Folder, NetworkId: n.Id, ZoneId: "ru-central1-b", V4CidrBlocks: []string{"10.2.0.0/24"}})
	c.deadSubnet = gatetest.Done[*vpcpb.Subnet](c.t, op, err).Id
	c.network, c.open = n.Id, n.DefaultSecurityGroupId
}

// request is the tutorial's cluster.
func (c *cloud) request() *pb.CreateClusterRequest {
	return &pb.CreateClusterRequest{
		FolderId: c.Folder, Name: "tutorial", NetworkId: c.network, ServiceAccountId: c.agent.ID, NodeServiceAccountId: c.nodeAgent.ID,
		ReleaseChannel: pb.ReleaseChannel_RAPID, WorkloadIdentityFederation: &pb.WorkloadIdentityFederationSpec{Enabled: true},
		MasterSpec: &pb.MasterSpec{Version: "1.36", SecurityGroupIds: []string{c.open}, MasterType: &pb.MasterSpec_ZonalMasterSpec{ZonalMasterSpec: &pb.ZonalMasterSpec{
			ZoneId: "ru-central1-a", InternalV4AddressSpec: &pb.InternalAddressSpec{SubnetId: c.subnet}, ExternalV4AddressSpec: &pb.ExternalAddressSpec{}}}},
	}
}

// nodes is the tutorial's node group.
func (c *cloud) nodes(cluster string) *pb.CreateNodeGroupRequest {
	return &pb.CreateNodeGroupRequest{
		ClusterId: cluster, Name: "nodes", WorkloadIdentityFederation: &pb.NodeGroupWorkloadIdentityFederation{Enabled: true},
		ScalePolicy:      &pb.ScalePolicy{ScaleType: &pb.ScalePolicy_FixedScale_{FixedScale: &pb.ScalePolicy_FixedScale{Size: 1}}},
		AllocationPolicy: &pb.NodeGroupAllocationPolicy{Locations: []*pb.NodeGroupLocation{{ZoneId: "ru-central1-a"}}},
		NodeTemplate: &pb.NodeTemplate{PlatformId: "standard-v3", NetworkInterfaceSpecs: []*pb.NetworkInterfaceSpec{
			{SubnetIds: []string{c.subnet}, SecurityGroupIds: []string{c.open}, PrimaryV4AddressSpec: &pb.NodeAddressSpec{}}}},
	}
}

// wait waits for an operation that works in the background.
func (c *cloud) wait(op *operation.Operation, err error) *operation.Operation {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	for !op.Done {
		if c.t.Context().Err() != nil {
			c.t.Fatal("the test ended before the operation")
		}
		runtime.Gosched()
		c.Clock.Step(0) // lets a timer of no time go off
		op, _, _ = c.K.Operations.Get(op.Id)
	}
	return op
}

func done[M proto.Message](c *cloud, op *operation.Operation, err error) M {
	c.t.Helper()
	return gatetest.Done[M](c.t, c.wait(op, err), nil)
}

func (c *cloud) create(change func(*pb.CreateClusterRequest)) *pb.Cluster {
	c.t.Helper()
	req := c.request()
	if change != nil {
		change(req)
	}
	op, err := c.clusters.Create(c.admin, req)
	return done[*pb.Cluster](c, op, err)
}

func (c *cloud) get(id string) *pb.Cluster {
	c.t.Helper()
	row, err := c.clusters.Get(c.admin, &pb.GetClusterRequest{ClusterId: id})
	if err != nil {
		c.t.Fatal(err)
	}
	return row
}

func TestTutorialsCluster(t *testing.T) {
	c := start(t, true)
	row := c.create(nil)
	if row.Status != pb.Cluster_RUNNING || row.Health != pb.Cluster_HEALTHY || !proto.Equal(row, c.get(row.Id)) {
		t.Errorf("cluster is %v, read back %v", row, c.get(row.Id))
	}
	issuer := "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/" + row.Id
	if w := row.WorkloadIdentityFederation; !w.Enabled || w.Issuer != issuer || w.JwksUri != issuer+"/jwks.json" {
		t.Errorf("federation is %v", w)
	}
	if e := row.Master.Endpoints; e.ExternalV4Endpoint != "https://127.81.2.3:6443" || e.InternalV4Endpoint != "https://10.81.2.3:6443" ||
		row.Master.GetZonalMaster().ExternalV4Address != "127.81.2.3" || row.Master.GetZonalMaster().InternalV4Address != "10.81.2.3" {
		t.Errorf("master is %v", row.Master)
	}
	if row.Master.MasterAuth.ClusterCaCertificate != "the CA of "+row.Id || row.Master.Version != "1.36" || row.CreatedAt.Nanos != 0 {
		t.Errorf("cluster is %v", row)
	}
	if got := c.files.get("mk8s-oidc/v1/clusters/" + row.Id + "/jwks.json"); got != `{"keys":[{"alg":"RS256","kid":"`+row.Id+`","kty":"RSA","use":"sig"}]}` {
		t.Errorf("published %q", got)
	}
	running := c.engine.cluster(row.Id)
	if s := running.spec; len(s.Issuers) != 1 || s.Issuers[0] != issuer || s.Authenticator.URL != "https://mock/review/"+row.Id || s.Dir != filepath.Join(c.dir, row.Id) {
		t.Errorf("the engine was asked for %+v", s)
	}
	if info, err := os.Stat(running.spec.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info, err)
	}
	if running.bound["yandex-cloud:k8s.cluster-api.cluster-admin"] != "cluster-admin" || running.bound["yandex-cloud:k8s.cluster-api.viewer"] != "view" || len(running.bound) != 3 {
		t.Errorf("bound %v", running.bound)
	}

	op, err := c.groups.Create(c.admin, c.nodes(row.Id))
	group := done[*pb.NodeGroup](c, op, err)
	if group.Status != pb.NodeGroup_RUNNING || group.AllocationPolicy.Locations[0].SubnetId != c.subnet {
		t.Errorf("group is %v", group)
	}
	listed, err := c.clusters.ListNodes(c.admin, &pb.ListClusterNodesRequest{ClusterId: row.Id})
	if err != nil || len(listed.Nodes) != 1 || listed.Nodes[0].Status != pb.Node_READY {
		t.Fatalf("nodes %v, %v", listed, err)
	}
	made := running.nodes[listed.Nodes[0].KubernetesStatus.Id]
	if made.Egress == nil || made.Labels["yandex.cloud/node-group-id"] != group.Id || made.Labels["topology.kubernetes.io/zone"] != "ru-central1-a" {
		t.Errorf("the engine was asked for %+v", made)
	}

	// The VPC knows that it is used.
	_, err = vpcpb.NewSubnetServiceClient(c.Conn).Delete(c.admin, &vpcpb.DeleteSubnetRequest{SubnetId: c.subnet})
	c.Refused(err, 9, "vpc/in-use")

	op, err = c.clusters.Delete(c.admin, &pb.DeleteClusterRequest{ClusterId: row.Id})
	done[*emptypb.Empty](c, op, err)
	if c.engine.running() != 0 || c.files.count() != 0 {
		t.Errorf("left: %d clusters, files %v", c.engine.running(), c.files.all)
	}
	if left, _ := os.ReadDir(c.dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	_, err = c.groups.Get(c.admin, &pb.GetNodeGroupRequest{NodeGroupId: group.Id})
	c.Refused(err, 5, "not-found:"+mk8s.KindNodeGroup)
}
