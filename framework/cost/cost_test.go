package cost_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/cost"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// read is a table with a price that somebody has read, and one with none.
func read(t *testing.T, master, rest string) cost.Table {
	t.Helper()
	var text strings.Builder
	text.WriteString("currency: RUB\nprices:\n  master: {unit: m, price: \"" + master + "\", date: \"2026-01-02\", source: s}\n")
	for _, name := range []string{"cores", "memory", "disk", "gateway", "address", "secret"} {
		text.WriteString("  " + name + ": {unit: " + name + ", price: \"" + rest + "\", date: \"2026-01-02\", source: s}\n")
	}
	table, err := cost.Parse([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func managed(change func(*config.Config)) *config.Config {
	c := &config.Config{Cloud: config.CloudYandex, Cluster: config.ClusterManaged, Node: config.Node{Cores: 2, MemoryGiB: 4, DiskGiB: 64}}
	if change != nil {
		change(c)
	}
	return c
}

// TestWhatIsChargedFor: the report names what the price table prices, and all of it.
func TestWhatIsChargedFor(t *testing.T) {
	table, err := cost.Prices()
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, kind := range []string{provision.KindCluster, provision.KindNodeGroup, provision.KindGateway, provision.KindSecret} {
		for _, name := range provision.Charged(kind) {
			named[name] = true
			if _, ok := table.Prices[name]; !ok {
				t.Errorf("%s is charged for as %q, which the price table does not know", kind, name)
			}
		}
	}
	for name := range table.Prices {
		if !named[name] {
			t.Errorf("the price table has %s, of which no report says how long it lived", name)
		}
	}
}

func TestTheTableOfTheProject(t *testing.T) {
	table, err := cost.Prices()
	if err != nil {
		t.Fatal(err)
	}
	estimate, err := cost.Of(managed(nil), table)
	if err != nil || len(estimate.Items) != len(table.Prices) {
		t.Errorf("%+v of %d prices, %v", estimate, len(table.Prices), err)
	}
	for name, bad := range map[string]string{
		"no number": "prices: {x: {price: much, date: \"2026-01-02\", source: s}}", "no date": "prices: {x: {price: \"1\", source: s}}",
		"no source": "prices: {x: {price: \"1\", date: \"2026-01-02\"}}", "below nothing": "prices: {x: {price: \"-1\", date: \"2026-01-02\", source: s}}", "unknown key": "money: 1",
	} {
		if _, err := cost.Parse([]byte(bad)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestEstimate(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg          *config.Config
		master, rest string
		sum          float64
		known        bool
		limit, says  string // what --max-cost says; "" is nothing
	}{
		"everything known":    {managed(nil), "10", "0.5", 10 + 0.5*(2+4+64+1+1+1), true, "60", ""},
		"too much":            {managed(nil), "10", "0.5", 46.5, true, "46.49", "46.50 RUB an hour, more than max_cost 46.49"},
		"some unknown":        {managed(nil), "10", cost.Unknown, 10, false, "100", "nobody knows"},
		"enough is known":     {managed(nil), "10", cost.Unknown, 10, false, "9", "more than max_cost 9"},
		"no limit":            {managed(nil), cost.Unknown, cost.Unknown, 0, false, "", ""},
		"no number":           {managed(nil), "10", "1", 83, true, "much", "max_cost is"},
		"two clusters":        {managed(func(c *config.Config) { c.SecondCluster = true }), "10", "0", 20, true, "20", ""},
		"regional":            {managed(func(c *config.Config) { c.Regional, c.SecondCluster = true, true }), "10", "0", 10, false, "20", "nobody knows"},
		"a subnet of his own": {managed(func(c *config.Config) { c.SubnetID = "e9b" }), "0", "1", 2 + 4 + 64 + 1 + 1, true, "72", ""},
		"his own cluster":     {managed(func(c *config.Config) { c.Cluster = config.ClusterExisting }), "10", "1", 1, true, "1", ""},
		"the mock":            {managed(func(c *config.Config) { c.Cloud = config.CloudMock }), cost.Unknown, cost.Unknown, 0, true, "0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := cost.Of(tc.cfg, read(t, tc.master, tc.rest))
			if err != nil {
				t.Fatal(err)
			}
			if sum, known := e.Hour(); sum != tc.sum || known != tc.known {
				t.Errorf("%v, known: %t", sum, known)
			}
			if err := e.Within(tc.limit); (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("it says %v", err)
			}
			var text bytes.Buffer
			if err := e.Write(&text); err != nil || (len(e.Items) > 0) != (text.Len() > 0) || strings.Contains(text.String(), "together unknown") == tc.known && len(e.Items) > 0 {
				t.Errorf("%v: %s", err, text.String())
			}
		})
	}
}
