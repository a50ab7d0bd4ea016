package killmatrix

import (
	"bytes"
	"flag"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

var update = flag.Bool("update", false, "write the page again")

func TestPageIsNotStale(t *testing.T) {
	var page bytes.Buffer
	if err := Declared().WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	const file = "MATRIX.md"
	if *update {
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, page.Bytes()) {
		t.Errorf("%s is stale; `make catalogue` writes it again", file)
	}
}

// Every bug names checks that are there, and says what it is.
func TestBugsNameRequirements(t *testing.T) {
	for _, b := range bugs.All() {
		if len(b.MustKill) == 0 || b.Doc == "" {
			t.Errorf("%s kills nothing, or does not say what it is", b.Name)
		}
		for _, id := range b.MustKill {
			r, ok := conformance.Lookup(id)
			switch {
			case !ok:
				t.Errorf("%s must kill %s, which is not in the catalogue", b.Name, id)
			case !r.AtTheEnd() && !slices.Contains(Plan(b, false), id):
				t.Errorf("%s must kill %s, which a run with it leaves out", b.Name, id)
			case r.Excluded != "" || r.Level == conformance.Record:
				t.Errorf("%s must kill %s, which nothing can (level %s, excluded %q)", b.Name, id, r.Level, r.Excluded)
			}
		}
		for _, m := range b.MayKill {
			if m.Why == "" {
				t.Errorf("%s may kill %s without a reason", b.Name, m.ID)
			}
			if m.ID != EngineProblem && !slices.ContainsFunc(conformance.Catalogue(), func(r conformance.Requirement) bool { ok, _ := path.Match(m.ID, r.ID); return ok }) {
				t.Errorf("%s may kill %s, which matches nothing", b.Name, m.ID)
			}
		}
	}
}

// Every MUST is the business of a bug, or of a test with a broken fixture.
func TestEveryMustIsProven(t *testing.T) {
	if unproven := Declared().Unproven(); len(unproven) > 0 {
		t.Errorf("nothing shows that these can fail: %s", strings.Join(unproven, ", "))
	}
}

// A proof that a row names is there.
func TestProofs(t *testing.T) {
	for _, r := range conformance.Catalogue() {
		if r.ProvenBy == "" {
			continue
		}
		folder, name, _ := strings.Cut(r.ProvenBy, " ")
		if !hasTest(t, "../../"+folder, name) {
			t.Errorf("%s is to be proven by %s, which is not there", r.ID, r.ProvenBy)
		}
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && bytes.Contains(text, []byte("func "+name+"("))
	})
}

func TestPlan(t *testing.T) {
	b := bugs.Bug{Name: "x", MustKill: []string{"exchange/expired"}}
	got := Plan(b, false)
	for id, want := range map[string]bool{"exchange/expired": true, "exchange/aud-other": true, "access/no-role": true, "access/no-bearer": false, conformance.NothingLeftBehind: false} {
		if slices.Contains(got, id) != want {
			t.Errorf("%s is in the plan: %v", id, !want)
		}
	}
	if all := Plan(b, true); !slices.Contains(all, "access/no-bearer") || len(all) <= len(got) {
		t.Errorf("the full plan has %d requirements", len(all))
	}
	for _, id := range Sentinels {
		if _, ok := conformance.Lookup(id); !ok || !slices.Contains(got, id) {
			t.Errorf("the sentinel %s is not run", id)
		}
	}
	for _, full := range []bool{false, true} {
		for _, r := range conformance.Catalogue() {
			recorded := r.Level == conformance.Record && r.Excluded == "" && !r.AtTheEnd() && !r.Slow
			if recorded && slices.Contains(Plan(b, full), r.ID) != full {
				t.Errorf("with full %t the recorded %s is in the plan: %t", full, r.ID, !full)
			}
			if !r.Slow && slices.Contains(Plan(b, full), r.ID) && !slices.Contains(ControlPlan(full), r.ID) {
				t.Errorf("with full %t a bug's run has %s, and the control has not", full, r.ID)
			}
		}
	}
}

func TestJudge(t *testing.T) {
	b := bugs.Bug{Name: "x", MustKill: []string{"exchange/expired"}, MayKill: []bugs.May{{ID: "federation/*", Why: "w"}}}
	q := func(id string, v conformance.Verdict) report.Requirement {
		return report.Requirement{ID: id, Verdict: v, Reason: "r"}
	}
	for name, tc := range map[string]struct {
		rows   []report.Requirement
		faults []string
	}{
		"as declared":        {[]report.Requirement{q("exchange/expired", conformance.Fail), q("exchange/jku", conformance.Pass), q("federation/labels", conformance.Fail)}, nil},
		"survived":           {[]report.Requirement{q("exchange/expired", conformance.Pass)}, []string{"exchange/expired must be FAIL and is PASS"}},
		"an error is none":   {[]report.Requirement{q("exchange/expired", conformance.Error)}, []string{"must be FAIL and is ERROR"}},
		"not run":            {nil, []string{"not in the report"}},
		"kills too much":     {[]report.Requirement{q("exchange/expired", conformance.Fail), q("exchange/jku", conformance.Fail)}, []string{"exchange/jku is FAIL, which the bug does not declare"}},
		"breaks other twins": {[]report.Requirement{q("exchange/expired", conformance.Fail), q("exchange/jku", conformance.Error)}, []string{"exchange/jku is ERROR"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Judge(b, report.Report{Requirements: tc.rows})
			if len(got.Faults) != len(tc.faults) {
				t.Fatalf("faults %q", got.Faults)
			}
			for i, want := range tc.faults {
				if !strings.Contains(got.Faults[i], want) {
					t.Errorf("fault %q, want %q", got.Faults[i], want)
				}
			}
		})
	}
	if got := Judge(b, report.Report{Requirements: []report.Requirement{q("exchange/expired", conformance.Fail)}, Problems: []report.Problem{{Where: "suite", Reason: "r"}}}); len(got.Faults) != 1 {
		t.Errorf("a run with a problem has the faults %q", got.Faults)
	}
}

func TestControl(t *testing.T) {
	green := report.Report{Requirements: []report.Requirement{{ID: "a/b", Verdict: conformance.Pass}, {ID: "a/c", Verdict: conformance.NotSupported}}}
	if got := Control(green); len(got) > 0 {
		t.Errorf("a green run has %q", got)
	}
	red := report.Report{Requirements: []report.Requirement{{ID: "a/b", Verdict: conformance.Fail}, {ID: "a/c", Verdict: conformance.Error}}, Problems: []report.Problem{{Where: "suite"}}}
	if got := Control(red); len(got) != 3 {
		t.Errorf("a red run has %q", got)
	}
}

func TestJudgeOfAnOutage(t *testing.T) {
	o := Outage{Affects: []string{"exchange/*"}}
	out := func(code int, v conformance.Verdict) report.Report {
		return report.Report{Outcome: report.Outcome{ExitCode: code}, Requirements: []report.Requirement{{ID: "exchange/expired", Verdict: v}, {ID: "access/no-role", Verdict: conformance.Pass}}}
	}
	if got := o.Judge(out(report.ExitEngine, conformance.Error)); len(got) > 0 {
		t.Errorf("an outage that nobody took for an answer has %q", got)
	}
	for _, v := range []conformance.Verdict{conformance.Pass, conformance.Fail, conformance.Recorded} {
		if got := o.Judge(out(report.ExitEngine, v)); len(got) < 1 || !strings.Contains(got[0], "exchange/expired") {
			t.Errorf("%s: %q", v, got)
		}
	}
	if got := o.Judge(out(report.ExitConformant, conformance.Error)); len(got) != 1 {
		t.Errorf("exit code 0: %q", got)
	}
	if got := o.Judge(out(report.ExitEngine, conformance.Skipped)); len(got) != 1 {
		t.Errorf("nothing tried: %q", got)
	}
	for _, o := range Outages() {
		if len(o.Plan()) == 0 {
			t.Errorf("%s affects nothing", o.Name)
		}
	}
}
