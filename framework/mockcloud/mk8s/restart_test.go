package mk8s_test

import (
	"slices"
	"testing"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/grpc/codes"
)

// TestStopAndStart: a cluster comes back with issuers and nodes as they were.
func TestStopAndStart(t *testing.T) {
	c := start(t, true)
	row := c.create(nil)
	op, err := c.groups.Create(c.admin, c.nodes(row.Id))
	group := done[*pb.NodeGroup](c, op, err)
	issuers, nodes := c.engine.cluster(row.Id).issuers, len(c.engine.cluster(row.Id).nodes)

	_, err = c.clusters.Start(c.admin, &pb.StartClusterRequest{ClusterId: row.Id})
	c.Refused(err, codes.FailedPrecondition, "k8s/not-stopped")
	op, err = c.clusters.Stop(c.admin, &pb.StopClusterRequest{ClusterId: row.Id})
	if got := done[*pb.Cluster](c, op, err); got.Status != pb.Cluster_STOPPED || c.get(row.Id).Status != pb.Cluster_STOPPED || c.engine.running() != 0 {
		t.Errorf("stopped: %s, %d run", got.Status, c.engine.running())
	}
	_, err = c.clusters.Update(c.admin, federate(row.Id, false))
	c.Refused(err, codes.FailedPrecondition, "k8s/not-running")

	op, err = c.clusters.Start(c.admin, &pb.StartClusterRequest{ClusterId: row.Id})
	got := done[*pb.Cluster](c, op, err)
	if w := got.WorkloadIdentityFederation; got.Status != pb.Cluster_RUNNING || w.GetIssuer() != row.WorkloadIdentityFederation.Issuer {
		t.Errorf("started: %v", got)
	}
	again := c.engine.cluster(row.Id)
	if !slices.Equal(again.issuers, issuers) || len(again.nodes) != nodes || nodes == 0 {
		t.Errorf("came back with issuers %v and %d nodes, want %v and %d", again.issuers, len(again.nodes), issuers, nodes)
	}
	if g, err := c.groups.Get(c.admin, &pb.GetNodeGroupRequest{NodeGroupId: group.Id}); err != nil || g.Status != pb.NodeGroup_RUNNING {
		t.Errorf("node group %v, %v", g.GetStatus(), err)
	}

	op, err = c.clusters.Stop(c.admin, &pb.StopClusterRequest{ClusterId: row.Id})
	done[*pb.Cluster](c, op, err)
	c.engine.failNext("start")
	op, err = c.clusters.Start(c.admin, &pb.StartClusterRequest{ClusterId: row.Id})
	if op = c.wait(op, err); op.GetError().GetCode() != int32(codes.Internal) || c.get(row.Id).Health != pb.Cluster_UNHEALTHY {
		t.Errorf("a start that fails: %v, %v", op, c.get(row.Id).Health)
	}
}

// TestUpgrade: one minor at a time, to one that is offered.
func TestUpgrade(t *testing.T) {
	c := start(t, true)
	row := c.create(func(r *pb.CreateClusterRequest) { r.MasterSpec.Version = "1.35" })
	to := func(version string) *pb.UpdateClusterRequest {
		return &pb.UpdateClusterRequest{ClusterId: row.Id, MasterSpec: &pb.MasterUpdateSpec{
			Version: &pb.UpdateVersionSpec{Specifier: &pb.UpdateVersionSpec_Version{Version: version}}}}
	}
	for _, version := range []string{"1.30", "1.37", "latest"} {
		_, err := c.clusters.Update(c.admin, to(version))
		c.Refused(err, codes.InvalidArgument, "k8s/version-not-available")
	}
	op, err := c.clusters.Update(c.admin, to("1.35"))
	if got := done[*pb.Cluster](c, op, err); got.Master.Version != "1.35" || len(c.engine.starts) != 1 {
		t.Errorf("to the same version: %s, %d starts", got.Master.Version, len(c.engine.starts))
	}
	issuers := c.engine.cluster(row.Id).issuers
	op, err = c.clusters.Update(c.admin, to("1.36"))
	if got := done[*pb.Cluster](c, op, err); got.Master.Version != "1.36" || got.Master.VersionInfo.CurrentVersion != "1.36" || c.get(row.Id).Master.Version != "1.36" {
		t.Errorf("upgraded: %v", got.Master)
	}
	now := c.engine.cluster(row.Id)
	if now.spec.Version != "1.36" || !slices.Equal(now.issuers, issuers) || c.engine.running() != 1 {
		t.Errorf("runs %s with issuers %v, %d run", now.spec.Version, now.issuers, c.engine.running())
	}
}
