package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// at makes records: an event every second, in the order given.
func at(events ...journal.Event) []journal.Record {
	records := make([]journal.Record, 0, len(events))
	for i, e := range events {
		records = append(records, journal.Record{Time: start.Add(time.Duration(i) * time.Second), Event: e})
	}
	return records
}

var opening = journal.RunStarted{
	RunID: "k3v9x2ab", Profile: "core", Cloud: "mock", Cluster: "embedded", Version: "v0.1.0", Commit: "0123abc",
	Reproduce: "wlif run --cluster embedded --kubernetes-version 1.36",
}

func verdicts(verdict conformance.Verdict, reason string, except ...string) []journal.Event {
	var events []journal.Event
	core, _ := conformance.FindProfile(conformance.ProfileCore)
	for _, id := range core.Requirements {
		if !slices.Contains(except, id) {
			events = append(events, journal.Verdict{
				Requirement: id, Case: "the tutorial", Verdict: verdict, Reason: reason, Duration: 1500 * time.Millisecond,
				Location: "suites/tutorial/tutorial.go:10",
			})
		}
	}
	return events
}

var (
	allPass = append(append([]journal.Event{opening}, verdicts(conformance.Pass, "")...),
		journal.Inventory{Complete: true}, journal.RunFinished{})
	provisioned = []journal.Event{
		journal.Planned{
			Nodes: []journal.PlannedNode{
				{Name: "network"}, {Name: "subnet", After: []string{"network"}}, {Name: "service-account"},
				{Name: "cluster", After: []string{"subnet", "service-account"}},
			},
			CriticalPath: []string{"network", "subnet", "cluster"}, Length: 7 * time.Second, Sum: 9 * time.Second,
		},
		journal.NodeStarted{Phase: journal.Create, Node: "network", Usual: 2 * time.Second}, journal.NodeStarted{Phase: journal.Create, Node: "service-account"},
		journal.NodeFinished{Phase: journal.Create, Node: "service-account", Duration: 2 * time.Second},
		journal.NodeFinished{Phase: journal.Create, Node: "network", Duration: 2 * time.Second},
		journal.NodeStarted{Phase: journal.Create, Node: "subnet"}, journal.NodeFinished{Phase: journal.Create, Node: "subnet", Duration: 2 * time.Second},
		journal.NodeStarted{Phase: journal.Create, Node: "cluster"}, journal.NodeFinished{Phase: journal.Create, Node: "cluster", Duration: 3 * time.Second},
		journal.NodeStarted{Phase: journal.Delete, Node: "cluster"}, journal.NodeFinished{Phase: journal.Delete, Node: "cluster", Duration: time.Hour},
	}
)

func full() []journal.Record {
	events := []journal.Event{opening}
	events = append(events,
		journal.Target{Endpoint: "127.81.3.7:443", CloudID: "b1gcloud", FolderID: "b1gfolder"},
		journal.Engine{Name: "kind", Host: []string{"Docker 28.2.2", "cgroup v1: the kubelets are told to accept it"}, Steps: []journal.EngineStep{
			{What: "start a cluster", Times: 1, Took: 22 * time.Second}, {What: "add a node", Times: 2, Took: 5 * time.Second},
		}},
		journal.Target{ClusterID: "catcluster", KubernetesVersion: "1.36.3", ReleaseChannel: "RAPID", Issuer: "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/catcluster"},
		journal.Feature{Name: conformance.ManagedCluster, Present: true, Reason: "the cloud lists the cluster"},
		journal.Feature{Name: conformance.ContainerImages, Reason: "declared by the target"})
	events = append(events, provisioned...)
	events = append(events, verdicts(conformance.Pass, "", conformance.TutorialPayload, conformance.TutorialDeleted, conformance.TutorialExchange)...)
	events = append(events,
		journal.CheckStarted{Requirement: conformance.TutorialExchange, Case: "the tutorial"},
		journal.Verdict{Requirement: conformance.TutorialExchange, Case: "the tutorial", Verdict: conformance.Fail, Duration: 2 * time.Second,
			Reason: "the exchange was refused: 400 invalid_request | \"subject\" <wlif> not linked"},
		journal.Verdict{Requirement: conformance.TutorialPayload, Case: "the tutorial", Verdict: conformance.Skipped, Reason: "tutorial/exchange failed before it"},
		journal.Verdict{Requirement: conformance.TutorialDeleted, Case: "the tutorial's own", Verdict: conformance.Pass, Duration: time.Second},
		journal.Verdict{Requirement: conformance.TutorialDeleted, Case: "the shared target", Verdict: conformance.Error, Reason: "the network failed"},
		journal.Diagnostic{Requirement: conformance.TutorialExchange, File: "diagnostics/tutorial-exchange/pod.yaml"},
		journal.Problem{Where: "teardown", Reason: "cluster: operation x failed"},
		journal.ResourceMade{Type: "k8s.cluster", ID: "catcluster", Name: "wlif-k3v9x2ab-cluster", For: []string{"master", "address"}},
		journal.ResourceMade{Type: "vpc.gateway", ID: "enpgateway", Name: "wlif-k3v9x2ab-nat", For: []string{"gateway"}},
		journal.ResourceGone{Type: "k8s.cluster", ID: "catcluster"},
		journal.ResourceLeft{Type: "vpc.network", ID: "enp1", Name: "wlif-k3v9x2ab-net"},
		journal.Inventory{Complete: true, Left: 1}, journal.RunFinished{})
	return at(events...)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and look at the difference. Now:\n%s", path, got)
	}
}

func TestGoldenReports(t *testing.T) {
	dir := t.TempDir()
	r := Build(full(), []string{"journal-suite-7.jsonl:3: unfinished line"})
	if err := Write(dir, r); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, entry.Name(), content)
	}
	var table bytes.Buffer
	if err := Table(&table, r, false); err != nil {
		t.Fatal(err)
	}
	golden(t, "table.txt", table.Bytes())
}

func TestYAMLAndJSONSayTheSame(t *testing.T) {
	r := Build(full(), nil)
	asYAML, err := YAML(r)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(asYAML, &tree); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(again, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(normal(t, back), normal(t, r)) {
		t.Errorf("read back:\n%+v\nwant\n%+v", back, r)
	}
}

// normal passes a report through JSON once, which rounds durations.
func normal(t *testing.T, r Report) Report {
	t.Helper()
	text, err := JSON(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestExitCode(t *testing.T) {
	with := func(events ...journal.Event) []journal.Event {
		return append(append([]journal.Event{}, allPass...), events...)
	}
	fail := journal.Verdict{Requirement: conformance.TutorialExchange, Verdict: conformance.Fail}
	left := journal.ResourceLeft{Type: "vpc.network", ID: "enp"}
	problem := journal.Problem{Where: "teardown", Reason: "it failed"}
	usage := journal.Problem{Where: "preflight", Reason: "no such cluster", Usage: true}
	for _, tc := range []struct {
		name   string
		events []journal.Event
		want   int
	}{
		{"all pass", allPass, 0},
		{"a failure", with(fail), 1},
		{"wrong usage", with(usage), 2},
		{"an error", with(journal.Verdict{Requirement: conformance.TutorialExchange, Verdict: conformance.Error}), 3},
		{"a problem", with(problem), 3},
		{"skipped against the user's wish", with(journal.Verdict{Requirement: conformance.TutorialExchange, Verdict: conformance.Skipped}), 3},
		{"skipped by choice", with(journal.Verdict{Requirement: conformance.TutorialExchange, Verdict: conformance.Skipped, ByChoice: true}), 0},
		{"not supported", with(journal.Verdict{Requirement: conformance.TutorialExchange, Verdict: conformance.NotSupported}), 0},
		{"something left", with(left), 4},
		{"usage before left", with(left, usage, fail, problem), 2},
		{"left before failure", with(problem, fail, left), 4},
		{"failure before engine", with(problem, fail), 1},
		{"no end", allPass[:len(allPass)-1], 3},
		{"inventory incomplete", with(journal.Inventory{Reason: "no answer"}), 3},
		{"an unknown requirement", with(journal.Verdict{Requirement: "tutorial/other", Verdict: conformance.Pass}), 3},
		{"an unknown verdict", with(journal.Verdict{Requirement: conformance.TutorialExchange, Verdict: "GREEN"}), 3},
		{"a case without an end", with(journal.CheckStarted{Requirement: conformance.TutorialDeleted, Case: "another"}), 3},
		{"an empty journal", nil, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Build(at(tc.events...), nil).Outcome; got.ExitCode != tc.want {
				t.Errorf("outcome = %+v, want %d", got, tc.want)
			}
		})
	}
}

// A line that cannot be read may be the verdict that fails the target.
func TestTornJournalIsNotConformant(t *testing.T) {
	if got := Build(at(allPass...), []string{"journal-suite-1-7.jsonl:3: unfinished line"}).Outcome; got.ExitCode != ExitEngine {
		t.Errorf("outcome = %+v, want %d", got, ExitEngine)
	}
}

func TestRequirementsWithoutVerdictAreExplained(t *testing.T) {
	for _, tc := range []struct {
		name    string
		events  []journal.Event
		verdict conformance.Verdict
		reason  string
	}{
		{"nothing said", []journal.Event{opening}, conformance.Error, "the suite ended before this check ran"},
		{"provisioning failed", []journal.Event{opening, journal.Problem{Where: "provisioning", Reason: "network: quota"}}, conformance.Error, "the suite ended before this check ran: network: quota"},
		{"killed in the middle", []journal.Event{opening, journal.CheckStarted{Requirement: conformance.TutorialExchange}}, conformance.Error, "the suite ended while this check was running"},
		{"wrong usage", []journal.Event{opening, journal.Problem{Where: "preflight", Reason: "no cluster", Usage: true}}, conformance.Skipped, "nothing was started: no cluster"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := Build(at(tc.events...), nil)
			if len(r.Requirements) != 13 {
				t.Fatalf("%d requirements", len(r.Requirements))
			}
			for _, q := range r.Requirements {
				if q.Reason == "" {
					t.Errorf("%s has no reason", q.ID)
				}
				if q.ID == conformance.TutorialExchange && (q.Verdict != tc.verdict || q.Reason != tc.reason) {
					t.Errorf("verdict %s, reason %q", q.Verdict, q.Reason)
				}
			}
		})
	}
}

func TestWallTimeIsSetBesideTheCriticalPath(t *testing.T) {
	p := Build(at(provisioned...), nil).Provisioning
	if got := strings.Join(p.CriticalPath, " "); got != "network subnet cluster" {
		t.Errorf("path = %s", got)
	}
	if p.CriticalLength != Duration(7*time.Second) || p.ExpectedSum != Duration(9*time.Second) || p.MeasuredSum != Duration(9*time.Second) {
		t.Errorf("length %s, expected sum %s, measured sum %s", p.CriticalLength, p.ExpectedSum, p.MeasuredSum)
	}
	if p.Wall != Duration(7*time.Second) || p.Ratio != 1 {
		t.Errorf("wall %s, ratio %f", p.Wall, p.Ratio)
	}
}

func TestTableFitsTheWidth(t *testing.T) {
	events := append([]journal.Event{opening}, verdicts(conformance.Error, strings.Repeat("слово ", 40)+strings.Repeat("x", 200))...)
	var out bytes.Buffer
	if err := Table(&out, Build(at(events...), nil), false); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > Width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestJUnitCounts(t *testing.T) {
	text, err := JUnit(Build(full(), nil))
	if err != nil {
		t.Fatal(err)
	}
	var root junitSuites
	if err := xml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	suite := root.Suites[0]
	if root.Tests != suite.Tests || root.Failures != suite.Failures || root.Errors != suite.Errors || root.Skipped != suite.Skipped {
		t.Errorf("the root counts otherwise: %+v", root)
	}
	if suite.Tests != 14 || suite.Failures != 1 || suite.Errors != 1 || suite.Skipped != 1 {
		t.Errorf("tests %d, failures %d, errors %d, skipped %d", suite.Tests, suite.Failures, suite.Errors, suite.Skipped)
	}
}

func TestWriteIntoAMissingFolder(t *testing.T) {
	err := Write(filepath.Join(t.TempDir(), "missing"), Build(full(), nil))
	if err == nil || !strings.Contains(err.Error(), ConformanceFile) || !strings.Contains(err.Error(), SummaryFile) {
		t.Errorf("error = %v", err)
	}
}
