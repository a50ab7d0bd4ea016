package mk8s_test

import (
	"slices"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/grpc/codes"
)

// TestNodesAreInstances: Compute shows a node's instance and reboots it, for those who may.
func TestNodesAreInstances(t *testing.T) {
	c := start(t, true)
	row := c.create(nil)
	op, err := c.groups.Create(c.admin, c.nodes(row.Id))
	group := done[*pb.NodeGroup](c, op, err)
	listed, err := c.groups.ListNodes(c.admin, &pb.ListNodeGroupNodesRequest{NodeGroupId: group.Id})
	if err != nil || len(listed.Nodes) == 0 {
		t.Fatalf("nodes %v, %v", listed, err)
	}
	id, name := listed.Nodes[0].CloudStatus.Id, listed.Nodes[0].KubernetesStatus.Id
	instances := compute.NewInstanceServiceClient(c.Conn)
	viewer, operator := c.With("compute.viewer"), c.With("compute.operator")

	if got, err := instances.Get(viewer, &compute.GetInstanceRequest{InstanceId: id}); err != nil || got.Name != name || got.FolderId != c.Folder || got.Status != compute.Instance_RUNNING {
		t.Errorf("instance %v, %v", got, err)
	}
	_, err = instances.Get(c.With("k8s.admin"), &compute.GetInstanceRequest{InstanceId: id})
	c.Refused(err, codes.PermissionDenied, "permission:compute.instances.get")
	_, err = instances.Restart(viewer, &compute.RestartInstanceRequest{InstanceId: id})
	c.Refused(err, codes.PermissionDenied, "permission:compute.instances.restart")
	_, err = instances.Restart(operator, &compute.RestartInstanceRequest{InstanceId: "fhm00000000000000000"})
	c.Refused(err, codes.NotFound, "api/not-found")
	if got := c.engine.cluster(row.Id).restarted; len(got) != 0 {
		t.Fatalf("refused calls restarted %q", got)
	}

	op, err = instances.Restart(operator, &compute.RestartInstanceRequest{InstanceId: id})
	if op = c.wait(op, err); op.GetError() != nil || !slices.Equal(c.engine.cluster(row.Id).restarted, []string{name}) {
		t.Errorf("%v; restarted %q, want %s", op.GetError(), c.engine.cluster(row.Id).restarted, name)
	}
	c.engine.failNext("restart")
	op, err = instances.Restart(operator, &compute.RestartInstanceRequest{InstanceId: id})
	if op = c.wait(op, err); op.GetError().GetCode() != int32(codes.Internal) {
		t.Errorf("a restart that fails: %v", op)
	}
}
