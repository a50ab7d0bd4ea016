package provision

import (
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
)

func TestClusterOfHasTheAddressThatIsAskedFor(t *testing.T) {
	const inside, outside = "https://10.0.0.1", "https://203.0.113.1"
	for name, tc := range map[string]struct {
		public   string
		internal bool
		want     string
	}{
		"public":              {outside, false, outside},
		"from inside":         {outside, true, inside},
		"private":             {"", false, inside},
		"private from inside": {"", true, inside},
	} {
		c := &k8s.Cluster{Master: &k8s.Master{Endpoints: &k8s.MasterEndpoints{InternalV4Endpoint: inside, ExternalV4Endpoint: tc.public}}}
		if got := ClusterOf(c, tc.internal).Endpoint; got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
