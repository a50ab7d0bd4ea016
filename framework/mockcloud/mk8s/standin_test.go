package mk8s_test

import (
	"testing"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// A cluster in a folder with a stand-in is nobody else's, but its API and issuer are
// the other one's, and stay when it is deleted.
func TestAnotherClusterStandsIn(t *testing.T) {
	c := start(t, true)
	real := c.create(nil)
	c.K.Settings.Change(func(s *settings.Settings) { s.StandIns = map[string]string{real.FolderId: real.Id} })
	row := c.create(func(r *pb.CreateClusterRequest) { r.Name = "paper" })
	if row.Id == real.Id || c.engine.running() != 1 {
		t.Fatalf("%d clusters run, ids %s and %s", c.engine.running(), row.Id, real.Id)
	}
	if a, b := row.Master.Endpoints.InternalV4Endpoint, real.Master.Endpoints.InternalV4Endpoint; a != b || row.Master.MasterAuth.ClusterCaCertificate != real.Master.MasterAuth.ClusterCaCertificate {
		t.Errorf("it answers at %s, not %s", a, b)
	}
	if row.WorkloadIdentityFederation.Issuer != real.WorkloadIdentityFederation.Issuer || row.WorkloadIdentityFederation.JwksUri != real.WorkloadIdentityFederation.JwksUri {
		t.Errorf("it signs as %v", row.WorkloadIdentityFederation)
	}
	op, err := c.clusters.Delete(c.admin, &pb.DeleteClusterRequest{ClusterId: row.Id})
	done[*emptypb.Empty](c, op, err)
	if c.engine.running() != 1 || c.files.get("mk8s-oidc/v1/clusters/"+real.Id+"/jwks.json") == "" {
		t.Error("the other one went with it")
	}
	c.K.Settings.Change(func(s *settings.Settings) { s.StandIns = nil })
	if c.create(func(r *pb.CreateClusterRequest) { r.Name = "own" }); c.engine.running() != 2 {
		t.Error("without a stand-in no cluster was started")
	}
}
