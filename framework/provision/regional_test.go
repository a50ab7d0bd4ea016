package provision_test

import (
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
)

// A regional cluster has a subnet in each zone of its region, and goes with them.
func TestRegionalCluster(t *testing.T) {
	w := newWorld(t, nil, "WLIF_REGIONAL=true", "YC_ZONE=ru-central1-d")
	target, l := w.provisioned()
	found, err := w.client.Clusters().Get(t.Context(), &k8s.GetClusterRequest{ClusterId: target.Cluster.ID})
	if err != nil {
		t.Fatal(err)
	}
	if region := found.GetMaster().GetRegionalMaster().GetRegionId(); region != "ru-central1" {
		t.Errorf("its region is %q: %v", region, found.GetMaster())
	}
	zones := map[string]string{}
	for _, at := range found.GetMaster().GetLocations() {
		zones[at.GetZoneId()] = at.GetSubnetId()
	}
	if len(zones) != 3 || zones["ru-central1-d"] != target.SubnetID || zones["ru-central1-a"] == zones["ru-central1-b"] || zones["ru-central1-a"] == "" {
		t.Errorf("its places are %v; the nodes' subnet is %s", zones, target.SubnetID)
	}
	w.kube.clusterGone()
	w.tornDown(l)
}
