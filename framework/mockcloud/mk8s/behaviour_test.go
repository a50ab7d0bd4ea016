package mk8s_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	accesspb "github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gatetest"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

func federate(id string, on bool) *pb.UpdateClusterRequest {
	return &pb.UpdateClusterRequest{ClusterId: id, WorkloadIdentityFederation: &pb.WorkloadIdentityFederationSpec{Enabled: on},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"workload_identity_federation.enabled"}}}
}

// TestSwitchFederation: the other issuer stays accepted, the key set comes and goes.
func TestSwitchFederation(t *testing.T) {
	c := start(t, true)
	row := c.create(func(r *pb.CreateClusterRequest) { r.WorkloadIdentityFederation = nil })
	if row.WorkloadIdentityFederation != nil || len(c.engine.cluster(row.Id).issuers) != 0 || c.files.count() != 0 {
		t.Errorf("without federation: %v, issuers %v, files %v", row, c.engine.cluster(row.Id).issuers, c.files.all)
	}
	const own = "https://kubernetes.default.svc.cluster.local"
	public := "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/" + row.Id

	op, err := c.clusters.Update(c.admin, federate(row.Id, true))
	got := done[*pb.Cluster](c, op, err)
	if w := got.WorkloadIdentityFederation; !w.Enabled || w.Issuer != public || got.Status != pb.Cluster_RUNNING {
		t.Errorf("switched on: %v", got)
	}
	if have := c.engine.cluster(row.Id).issuers; !slices.Equal(have, []string{public, own}) {
		t.Errorf("issuers are %v", have)
	}
	if c.files.get("mk8s-oidc/v1/clusters/"+row.Id+"/jwks.json") == "" {
		t.Error("no key set is published")
	}

	op, err = c.clusters.Update(c.admin, federate(row.Id, false))
	if got = done[*pb.Cluster](c, op, err); got.WorkloadIdentityFederation.GetEnabled() || got.WorkloadIdentityFederation.GetIssuer() != "" {
		t.Errorf("switched off: %v", got)
	}
	if have := c.engine.cluster(row.Id).issuers; !slices.Equal(have, []string{own, public}) || c.files.count() != 0 {
		t.Errorf("issuers are %v, files %v", have, c.files.all)
	}

	c.K.Settings.Change(func(s *settings.Settings) { s.PreviewDenied = true })
	_, err = c.clusters.Update(c.admin, federate(row.Id, true))
	c.Refused(err, codes.PermissionDenied, "k8s/wlif-preview")
	c.K.Settings.Change(func(s *settings.Settings) { s.PreviewDenied = false })

	c.engine.failNext("issuers")
	op, err = c.clusters.Update(c.admin, federate(row.Id, true))
	if op = c.wait(op, err); op.GetError().GetCode() != int32(codes.Internal) {
		t.Errorf("operation %v", op)
	}
	if now := c.get(row.Id); now.Status != pb.Cluster_RUNNING || now.Health != pb.Cluster_UNHEALTHY || now.WorkloadIdentityFederation.GetEnabled() {
		t.Errorf("after a failure: %v", now)
	}
}

// TestDiscoveryDocument is published, unless the table of guesses says otherwise.
func TestDiscoveryDocument(t *testing.T) {
	c := start(t, true)
	id := c.create(nil).Id
	if got := c.files.get("mk8s-oidc/v1/clusters/" + id + "/.well-known/openid-configuration"); !strings.Contains(got, `"issuer":"https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/`+id+`"`) {
		t.Errorf("document %q", got)
	}
	c.K.Settings.Change(func(s *settings.Settings) { s.Guesses["k8s/discovery-document"] = settings.Answer{Code: "NOT_FOUND"} })
	id = c.create(func(r *pb.CreateClusterRequest) { r.Name = "second" }).Id
	if got := c.files.get("mk8s-oidc/v1/clusters/" + id + "/.well-known/openid-configuration"); got != "" {
		t.Errorf("document %q", got)
	}
}

// TestFailures leave nothing behind.
func TestFailures(t *testing.T) {
	c := start(t, true)
	c.engine.failNext("start")
	op, err := c.clusters.Create(c.admin, c.request())
	if op = c.wait(op, err); op.GetError().GetCode() != int32(codes.Internal) || strings.Contains(op.GetError().Message, "fake") {
		t.Errorf("operation %v", op)
	}
	if left, _ := os.ReadDir(c.dir); len(left)+c.files.count()+c.engine.running() > 0 {
		t.Errorf("left %v, %v", left, c.files.all)
	}
	if resp, err := c.clusters.List(c.admin, &pb.ListClustersRequest{FolderId: c.Folder}); err != nil || len(resp.Clusters) > 0 {
		t.Errorf("clusters %v, %v", resp, err)
	}

	row := c.create(nil)
	c.engine.failNext("node")
	op, err = c.groups.Create(c.admin, c.nodes(row.Id))
	if op = c.wait(op, err); op.GetError().GetCode() != int32(codes.Internal) || !strings.Contains(op.GetError().Message, errFake.Error()) {
		t.Errorf("operation %v", op)
	}
	if resp, err := c.groups.List(c.admin, &pb.ListNodeGroupsRequest{FolderId: c.Folder}); err != nil || len(resp.NodeGroups) > 0 {
		t.Errorf("groups %v, %v", resp, err)
	}
	c.engine.failNext("delete")
	op, err = c.clusters.Delete(c.admin, &pb.DeleteClusterRequest{ClusterId: row.Id})
	if op = c.wait(op, err); op.GetError() == nil {
		t.Errorf("operation %v", op)
	}
	op, err = c.clusters.Delete(c.admin, &pb.DeleteClusterRequest{ClusterId: row.Id})
	done[*emptypb.Empty](c, op, err)
}

// TestNodes: their number follows the scale policy, their way out the network.
// An engine may call a node otherwise than it was asked.
func TestNodesHaveTheNamesOfTheEngine(t *testing.T) {
	c := start(t, true)
	c.engine.suffix = "-own"
	row := c.create(nil)
	op, err := c.groups.Create(c.admin, c.nodes(row.Id))
	group := done[*pb.NodeGroup](c, op, err)
	listed, err := c.groups.ListNodes(c.admin, &pb.ListNodeGroupNodesRequest{NodeGroupId: group.Id})
	if err != nil || len(listed.Nodes) != 1 {
		t.Fatalf("nodes %v (%v)", listed, err)
	}
	if n := listed.Nodes[0]; n.Status != pb.Node_READY || !strings.HasSuffix(n.KubernetesStatus.GetId(), "-own") {
		t.Errorf("the node %v, want one that is ready under the engine's name", n)
	}
	op, err = c.groups.Delete(c.admin, &pb.DeleteNodeGroupRequest{NodeGroupId: group.Id})
	done[*emptypb.Empty](c, op, err)
	if left := c.engine.cluster(row.Id).nodes; len(left) > 0 {
		t.Errorf("left in the cluster: %v", left)
	}
}

func TestNodes(t *testing.T) {
	c := start(t, true)
	row := c.create(nil)
	req := c.nodes(row.Id)
	req.AllocationPolicy.Locations = []*pb.NodeGroupLocation{{ZoneId: "ru-central1-a"}, {ZoneId: "ru-central1-b"}}
	req.ScalePolicy.GetFixedScale().Size = 2
	op, err := c.groups.Create(c.admin, req)
	group := done[*pb.NodeGroup](c, op, err)
	ways := map[string]bool{}
	for name, n := range c.engine.cluster(row.Id).nodes {
		ways[n.Labels["topology.kubernetes.io/zone"]] = n.Egress != nil
		if !strings.HasPrefix(name, group.InstanceGroupId+"-") || !strings.HasPrefix(name, "cl1") {
			t.Errorf("a node is called %s", name)
		}
	}
	if len(ways) != 2 || !ways["ru-central1-a"] || ways["ru-central1-b"] {
		t.Errorf("ways out %v; only the subnet of ru-central1-a has a NAT gateway", ways)
	}
	for _, size := range []int64{3, 1} {
		op, err = c.groups.Update(c.admin, &pb.UpdateNodeGroupRequest{NodeGroupId: group.Id, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"scale_policy"}},
			ScalePolicy: &pb.ScalePolicy{ScaleType: &pb.ScalePolicy_FixedScale_{FixedScale: &pb.ScalePolicy_FixedScale{Size: size}}}})
		done[*pb.NodeGroup](c, op, err)
		listed, err := c.groups.ListNodes(c.admin, &pb.ListNodeGroupNodesRequest{NodeGroupId: group.Id})
		if err != nil || int64(len(listed.Nodes)) != size || int64(len(c.engine.cluster(row.Id).nodes)) != size {
			t.Errorf("nodes %v, %v; want %d", listed, err, size)
		}
	}
	op, err = c.groups.Delete(c.admin, &pb.DeleteNodeGroupRequest{NodeGroupId: group.Id})
	done[*emptypb.Empty](c, op, err)
	if left := c.engine.cluster(row.Id).nodes; len(left) > 0 {
		t.Errorf("nodes left: %v", left)
	}
}

// TestPaper goes once through every method; gatetest holds each operation against
// its descriptor.
func TestPaper(t *testing.T) {
	c := start(t, false)
	op, err := c.clusters.Create(c.admin, c.request())
	row := gatetest.Done[*pb.Cluster](t, op, err)
	op, err = c.clusters.Update(c.admin, &pb.UpdateClusterRequest{ClusterId: row.Id, Description: "d", MasterSpec: &pb.MasterUpdateSpec{SecurityGroupIds: []string{c.open}}})
	if got := gatetest.Done[*pb.Cluster](t, op, err); got.Description != "d" || got.Name != "tutorial" || !got.WorkloadIdentityFederation.Enabled {
		t.Errorf("became %v", got)
	}
	op, err = c.groups.Create(c.admin, c.nodes(row.Id))
	group := gatetest.Done[*pb.NodeGroup](t, op, err)
	op, err = c.groups.Update(c.admin, &pb.UpdateNodeGroupRequest{NodeGroupId: group.Id, WorkloadIdentityFederation: &pb.NodeGroupWorkloadIdentityFederation{}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"workload_identity_federation"}}})
	if got := gatetest.Done[*pb.NodeGroup](t, op, err); got.WorkloadIdentityFederation.GetEnabled() {
		t.Errorf("became %v", got)
	}
	op, err = c.clusters.Stop(c.admin, &pb.StopClusterRequest{ClusterId: row.Id})
	gatetest.Done[*pb.Cluster](t, op, err)
	op, err = c.clusters.Start(c.admin, &pb.StartClusterRequest{ClusterId: row.Id})
	gatetest.Done[*pb.Cluster](t, op, err)
	binding := &accesspb.AccessBinding{RoleId: "k8s.viewer", Subject: &accesspb.Subject{Id: c.agent.ID, Type: "serviceAccount"}}
	op, err = c.clusters.SetAccessBindings(c.admin, &accesspb.SetAccessBindingsRequest{ResourceId: row.Id, AccessBindings: []*accesspb.AccessBinding{binding}})
	gatetest.Done[*accesspb.AccessBindingsOperationResult](t, op, err)
	op, err = c.clusters.UpdateAccessBindings(c.admin, &accesspb.UpdateAccessBindingsRequest{ResourceId: row.Id, AccessBindingDeltas: []*accesspb.AccessBindingDelta{{Action: accesspb.AccessBindingAction_REMOVE, AccessBinding: binding}}})
	gatetest.Done[*accesspb.AccessBindingsOperationResult](t, op, err)
	if ops, err := c.clusters.ListOperations(c.admin, &pb.ListClusterOperationsRequest{ClusterId: row.Id}); err != nil || len(ops.Operations) != 6 {
		t.Errorf("operations %v, %v", ops, err)
	}
	if nodes, err := c.clusters.ListNodes(c.admin, &pb.ListClusterNodesRequest{ClusterId: row.Id}); err != nil || len(nodes.Nodes) != 1 {
		t.Errorf("nodes %v, %v", nodes, err)
	}
	op, err = c.groups.Delete(c.admin, &pb.DeleteNodeGroupRequest{NodeGroupId: group.Id})
	gatetest.Done[*emptypb.Empty](t, op, err)
	op, err = c.clusters.Delete(c.admin, &pb.DeleteClusterRequest{ClusterId: row.Id})
	gatetest.Done[*emptypb.Empty](t, op, err)
	for _, m := range c.K.Store.Inventory() {
		if strings.HasPrefix(m.Type, "managed-kubernetes.") {
			t.Errorf("left behind: %+v", m)
		}
	}
	c.EveryOperationSeen("yandex.cloud.k8s.v1")
}

func TestVersions(t *testing.T) {
	c := start(t, true)
	resp, err := pb.NewVersionServiceClient(c.Conn).List(c.With(), &pb.ListVersionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, v := range resp.AvailableVersions {
		got[v.ReleaseChannel.String()] = v.Versions
	}
	if !slices.Equal(got["RAPID"], []string{"1.30", "1.35", "1.36"}) || !slices.Equal(got["REGULAR"], []string{"1.30", "1.35"}) || !slices.Equal(got["STABLE"], []string{"1.30"}) {
		t.Errorf("versions %v", got)
	}
	row := c.create(func(r *pb.CreateClusterRequest) { r.MasterSpec.Version = "" })
	if row.Master.Version != "1.36" {
		t.Errorf("the default version is %s", row.Master.Version)
	}
}

// TestCloseWhileStarting: a cluster that is just starting ends too.
func TestCloseWhileStarting(t *testing.T) {
	c := start(t, true)
	c.create(func(r *pb.CreateClusterRequest) { r.Name = "running" })
	c.engine.hold = make(chan struct{}) // never closed: only Close ends the start
	op, err := c.clusters.Create(c.admin, c.request())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.k8s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if op = c.wait(op, nil); op.GetError() == nil || c.engine.running() != 0 {
		t.Errorf("operation %v, %d clusters run", op, c.engine.running())
	}
	if left, _ := os.ReadDir(c.dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
