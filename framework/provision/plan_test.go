package provision

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

func resolved(t *testing.T, env ...string) *config.Config {
	t.Helper()
	c, err := config.Load(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// yandex is a configuration of the real cloud with one thing set.
func yandex(t *testing.T, env ...string) *config.Config {
	t.Helper()
	return resolved(t, append(env, "WLIF_CLOUD=yandex", "YC_TOKEN=x", "YC_FOLDER_ID=b1g")...)
}

func TestCriticalPathOfTheTutorial(t *testing.T) {
	cfg := resolved(t, "WLIF_USUAL=yandex.cloud.k8s.v1.ClusterService/Create=60s,yandex.cloud.k8s.v1.NodeGroupService/Create=30s,*=2s")
	g, err := Plan(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := g.CriticalPath(Usual(cfg))
	if want := []string{StepNetwork, StepRouteTable, StepSubnet, StepCluster, StepNodeGroup}; !slices.Equal(p.Steps, want) {
		t.Errorf("path %v, want %v", p.Steps, want)
	}
	// 14 steps of 2 s, a cluster of 60 s and a node group of 30 s.
	if p.Length != 96*time.Second || p.Sum != 90*time.Second+14*2*time.Second {
		t.Errorf("length %s, sum %s", p.Length, p.Sum)
	}
}

func TestUsualDurations(t *testing.T) {
	const create = "yandex.cloud.k8s.v1.ClusterService/Create"
	if d := Usual(resolved(t)); d[create] != 7*time.Minute || d["*"] != time.Second {
		t.Errorf("defaults %v", d)
	}
	if d := Usual(resolved(t, "WLIF_USUAL="+create+"=9m")); d[create] != 9*time.Minute || d["*"] != time.Second {
		t.Errorf("one replaced: %v", d)
	}
	if d := Usual(resolved(t, "WLIF_USUAL=*=0s")); len(d) != 1 {
		t.Errorf("all replaced: %v", d)
	}
}

// Which steps create and which only look, by what the user brings.
func TestPlans(t *testing.T) {
	all := []string{StepNetwork, StepGateway, StepRouteTable, StepSubnet, StepSecurityGroup, StepClusterSA, StepClusterSARoles, StepNodeSA, StepNodeSARoles,
		StepCluster, StepNodeGroup, StepNamespace, StepKSA, StepFederation, StepServiceAccount, StepRole, StepLink, StepSecret}
	identity := all[slices.Index(all, StepNamespace):]
	kubeconfig := t.TempDir()
	for name, tc := range map[string]struct {
		cfg     *config.Config
		steps   []string
		lookups []string
	}{
		"everything":  {resolved(t), all, nil},
		"newest":      {yandex(t), append(slices.Clone(all), StepVersion), []string{StepVersion}},
		"own network": {yandex(t, "WLIF_NETWORK_ID=n", "WLIF_K8S_VERSION=1.34"), all, []string{StepNetwork}},
		"regional":    {yandex(t, "WLIF_REGIONAL=true", "WLIF_K8S_VERSION=1.34"), append(slices.Clone(all), StepSubnet+"-b", StepSubnet+"-d"), nil},
		"own subnet":  {yandex(t, "WLIF_SUBNET_ID=n", "WLIF_K8S_VERSION=1.34"), slices.Concat([]string{StepSubnet}, all[slices.Index(all, StepSecurityGroup):]), []string{StepSubnet}},
		"own group":   {yandex(t, "WLIF_NETWORK_ID=n", "WLIF_SECURITY_GROUP_ID=g", "WLIF_K8S_VERSION=1.34"), all, []string{StepNetwork, StepSecurityGroup}},
		"own accounts": {yandex(t, "WLIF_CLUSTER_SERVICE_ACCOUNT_ID=a", "WLIF_NODE_SERVICE_ACCOUNT_ID=b", "WLIF_K8S_VERSION=1.34"),
			slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == StepClusterSARoles || s == StepNodeSARoles }), []string{StepClusterSA, StepNodeSA}},
		"own secret": {yandex(t, "WLIF_SECRET_ID=s", "WLIF_SERVICE_ACCOUNT_ID=a", "WLIF_K8S_VERSION=1.34"), all, []string{StepSecret, StepServiceAccount, StepRole}},
		"own federation": {yandex(t, "WLIF_CLUSTER=existing", "WLIF_CLUSTER_ID=c", "WLIF_FEDERATION_ID=f"),
			append([]string{StepCluster}, identity...), []string{StepCluster, StepFederation}},
		"own cluster": {yandex(t, "WLIF_CLUSTER=existing", "WLIF_CLUSTER_ID=c"), append([]string{StepCluster}, identity...), []string{StepCluster}},
		"kubeconfig":  {yandex(t, "WLIF_CLUSTER=existing", "WLIF_KUBECONFIG="+kubeconfig), append([]string{StepCluster}, identity...), []string{StepCluster}},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := Plan(tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			var steps, lookups []string
			for _, s := range g.Steps() {
				steps = append(steps, s.Name)
				if s.Kind == KindLookup {
					lookups = append(lookups, s.Name)
				}
				if s.Timeout <= 0 || s.TimeoutKey == "" {
					t.Errorf("step %s has no named timeout", s.Name)
				}
			}
			slices.Sort(steps)
			want := slices.Sorted(slices.Values(tc.steps))
			if !slices.Equal(steps, want) || !slices.Equal(lookups, tc.lookups) {
				t.Errorf("steps %v\nwant %v\nlookups %v, want %v", steps, want, lookups, tc.lookups)
			}
		})
	}
}

func TestSecurityRulesLetNodesOut(t *testing.T) {
	found := false
	for _, r := range securityRules() {
		if r.GetDescription() == "" {
			t.Error("a rule without a description")
		}
		cidrs := r.GetCidrBlocks().GetV4CidrBlocks()
		found = found || r.GetDirection().String() == "EGRESS" && slices.Equal(cidrs, []string{"0.0.0.0/0"}) && r.GetProtocolName() == "ANY"
	}
	if !found {
		t.Error("no rule allows unrestricted outgoing traffic, which the tutorial demands")
	}
}

func TestNewestVersion(t *testing.T) {
	for want, versions := range map[string][]string{"1.36": {"1.9", "1.36", "1.30"}, "1.10": {"1.9", "1.10"}, "": {"2.0", "nightly"}} {
		if got := newest(versions); got != want {
			t.Errorf("newest of %v is %q, want %q", versions, got, want)
		}
	}
}

// A role's step says which step granted it and whose it is; its id would say both again.
func TestNamesOfStepsThatRemove(t *testing.T) {
	got := stepNames([]Record{
		{Step: "network", Kind: KindNetwork, Name: "net", ID: "enp1"},
		{Step: "sa-roles", Kind: KindAccessBinding, Name: "vpc.publicAdmin", Parent: "aje1", ID: "vpc.publicAdmin:aje1"},
		{Step: "sa-roles", Kind: KindAccessBinding, Name: "viewer", Parent: "aje1", ID: "viewer:aje1"},
		{Kind: KindAccessBinding, Name: "viewer", Parent: "aje2", ID: "viewer:aje2"},
		{Kind: KindSubnet, Name: "sub", ID: "e9b1"},
	})
	want := []string{"network", "sa-roles vpc.publicAdmin (aje1)", "sa-roles viewer (aje1)", KindAccessBinding + " viewer (aje2)", KindSubnet + " sub e9b1"}
	if !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
}

// Everything is deleted after what hangs on it, and a namespace goes with its cluster.
func TestOrderOfRemoval(t *testing.T) {
	records := []Record{
		{Step: "network", Kind: KindNetwork, ID: "n"}, {Step: "gateway", Kind: KindGateway, ID: "g"}, {Step: "routes", Kind: KindRouteTable, ID: "r"},
		{Step: "subnet", Kind: KindSubnet, ID: "s"}, {Step: "sg", Kind: KindSecurityGroup, ID: "sg"}, {Step: "sa", Kind: KindServiceAccount, ID: "a"},
		{Step: "roles", Kind: KindAccessBinding, Name: "r1", Parent: "a"}, {Step: "roles", Kind: KindAccessBinding, Name: "r2", Parent: "a"},
		{Step: "cluster", Kind: KindCluster, ID: "c"}, {Step: "nodes", Kind: KindNodeGroup, ID: "ng"},
		{Step: "ns", Kind: KindNamespace, Name: "ns", ID: "ns", Parent: "c"}, {Step: "other ns", Kind: KindNamespace, Name: "ns", ID: "ns", Parent: "/kubeconfig"},
		{Step: "federation", Kind: KindFederation, ID: "f"}, {Step: "link", Kind: KindCredential, ID: "l"}, {Step: "secret", Kind: KindSecret, ID: "s"},
	}
	g, err := (&remover{}).graph(records)
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	for at, i := range g.order() {
		place[strings.Fields(g.steps[i].Name)[0]] = at
	}
	if _, alone := place["ns"]; alone || len(g.steps) != len(records)-1 {
		t.Errorf("the namespace of a deleted cluster has a step of its own: %v", place)
	}
	for _, pair := range [][2]string{{"nodes", "cluster"}, {"cluster", "subnet"}, {"cluster", "sg"}, {"subnet", "routes"}, {"routes", "gateway"}, {"routes", "network"},
		{"sg", "network"}, {"link", "federation"}, {"link", "sa"}, {"roles", "sa"}, {"cluster", "roles"}} {
		if place[pair[0]] > place[pair[1]] {
			t.Errorf("%s is deleted after %s", pair[0], pair[1])
		}
	}
	if _, err := (&remover{}).graph([]Record{{Kind: "dns.zone"}}); err == nil {
		t.Error("an unknown kind passes")
	}
}

// The table of kinds must not have cycles, whatever is left behind together.
func TestKindsHaveAnOrder(t *testing.T) {
	var records []Record
	for kind, k := range kinds {
		records = append(records, Record{Step: kind, Kind: kind, ID: kind})
		if !slices.Contains(kindOrder, kind) {
			t.Errorf("%s is missing in kindOrder", kind)
		}
		if k.command(Resource{ID: "id", Name: "name", Parent: "parent"}, "folder") == "" || (k.delete == nil) != (k.deleteMethod == "") {
			t.Errorf("%s cannot be deleted", kind)
		}
	}
	if _, err := (&remover{}).graph(records); err != nil {
		t.Error(err)
	}
}

func TestTooEarly(t *testing.T) {
	now := time.Unix(1790000000, 0)
	for name, tc := range map[string]struct {
		run   RunSweep
		named bool
		older time.Duration
		want  string
	}{
		"expired":         {RunSweep{Expires: now.Add(-time.Second)}, false, 0, ""},
		"not expired":     {RunSweep{Expires: now.Add(time.Second)}, false, 0, "expires at"},
		"named":           {RunSweep{Expires: now.Add(time.Hour), Ledger: true}, true, 0, ""},
		"named elsewhere": {RunSweep{Expires: now.Add(time.Hour)}, true, 0, "--force"},
		"nobody knows":    {RunSweep{}, false, 0, "--run"},
		"too young":       {RunSweep{Expires: now.Add(-time.Second), Started: now.Add(-time.Hour)}, false, 2 * time.Hour, "less than"},
		"old enough":      {RunSweep{Expires: now.Add(-time.Second), Started: now.Add(-3 * time.Hour)}, false, 2 * time.Hour, ""},
		"young but named": {RunSweep{Started: now}, true, time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tc.run.RunID = "abcdefgh"
			o := SweepOptions{Now: now, OlderThan: tc.older}
			if tc.named {
				o.RunID = "abcdefgh"
			}
			if got := o.tooEarly(&tc.run); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
