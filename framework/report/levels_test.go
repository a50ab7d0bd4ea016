package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// rows are a catalogue of one requirement of each kind. The run below names no
// profile, so that all of it is demanded.
var rows = []conformance.Requirement{
	{ID: "a/must", Level: conformance.Must}, {ID: "a/should", Level: conformance.Should}, {ID: "a/record", Level: conformance.Record},
	{ID: "a/excluded", Level: conformance.Must, Excluded: "nobody can see it"},
}

func verdict(id string, v conformance.Verdict) journal.Verdict {
	return journal.Verdict{Requirement: id, Case: "c", Verdict: v, Reason: "because"}
}

var suiteEnded = journal.Exit{Program: "suite"}

// ran makes the journal of a run that came to its end.
func ran(events ...journal.Event) []journal.Record {
	all := append([]journal.Event{journal.RunStarted{Profile: "none"}}, events...)
	return at(append(all, journal.Inventory{Complete: true}, journal.RunFinished{})...)
}

func find(t *testing.T, r Report, id string) Requirement {
	t.Helper()
	i := slices.IndexFunc(r.Requirements, func(q Requirement) bool { return q.ID == id })
	if i < 0 {
		t.Fatalf("the report has no %s", id)
	}
	return r.Requirements[i]
}

func TestLevelsAndTheExitCode(t *testing.T) {
	must, should, record := verdict("a/must", conformance.Pass), verdict("a/should", conformance.Pass), verdict("a/record", conformance.Recorded)
	for _, tc := range []struct {
		name       string
		events     []journal.Event
		code       int
		conformant bool
		text       string
		lost       []string
	}{
		{"all kept; what nobody can check does not count", []journal.Event{must, should, record, suiteEnded}, 0, true, "conformant", nil},
		{"a SHOULD is broken", []journal.Event{must, verdict("a/should", conformance.Fail), record, suiteEnded}, 0, true, "conformant; warnings: a/should", nil},
		{"a SHOULD is open", []journal.Event{must, verdict("a/should", conformance.Error), record, suiteEnded}, 3, false, "not decided: a/should", nil},
		{"recording failed", []journal.Event{must, should, verdict("a/record", conformance.Error), suiteEnded}, 3, false, "not decided: a/record", nil},
		{"nothing recorded it", []journal.Event{must, should, suiteEnded}, 0, true, "conformant", nil},
		{"lost", []journal.Event{should, record, suiteEnded}, 3, false, "not decided: a/must", []string{"a/must"}},
		{"both lost, specs failed", []journal.Event{record, journal.Exit{Program: "suite", Code: 1}}, 3, false, "not decided: a/must, a/should", []string{"a/must", "a/should"}},
		{"the suite was killed", []journal.Event{should, record, journal.Exit{Program: "suite", Code: -1, Signal: "killed"}}, 3, false, "not decided: a/must", nil},
		{"the suite broke", []journal.Event{should, record, journal.Exit{Program: "suite", Code: 2}}, 3, false, "not decided: a/must", nil},
		{"no target", []journal.Event{journal.Problem{Where: "provisioning", Reason: "quota"}, suiteEnded}, 3, false, "not decided: a/must, a/should, a/record", nil},
		{"left out by choice", []journal.Event{journal.Verdict{Requirement: "a/must", Verdict: conformance.Skipped, ByChoice: true}, should, record, suiteEnded},
			0, false, "kept as far as asked; left out by choice: a/must", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := build(rows, ran(tc.events...), nil)
			if r.Outcome.ExitCode != tc.code || r.Profiles[0].Conformant != tc.conformant || r.Profiles[0].Text != tc.text {
				t.Errorf("outcome %+v, profile %+v", r.Outcome, r.Profiles[0])
			}
			if !slices.Equal(r.Lost, tc.lost) {
				t.Errorf("lost %q, want %q", r.Lost, tc.lost)
			}
			excluded := find(t, r, "a/excluded")
			if excluded.Verdict != conformance.Skipped || excluded.Reason != "excluded: nobody can see it" {
				t.Errorf("excluded: %+v", excluded)
			}
		})
	}
}

func TestLostRequirementsAreNamed(t *testing.T) {
	r := build(rows, ran(verdict("a/should", conformance.Pass), suiteEnded), nil)
	if q := find(t, r, "a/must"); q.Verdict != conformance.Error || q.Reason != "no check emitted a verdict" {
		t.Errorf("%+v", q)
	}
	if r.Outcome.Text != "no check decided a/must" || !strings.Contains(string(Markdown(r)), "**Lost:**") {
		t.Errorf("outcome %+v", r.Outcome)
	}
}

// Of what the user did not select nobody expects a verdict.
func TestOnlyWhatWasSelectedCanBeLost(t *testing.T) {
	records := at(journal.RunStarted{Profile: "none", Selection: "requirements a/s*", Chosen: []string{"a/should"}}, suiteEnded, journal.Inventory{Complete: true}, journal.RunFinished{})
	r := build(append(slices.Clone(rows), conformance.Requirement{ID: "invariants/x", Area: "invariants", Level: conformance.Must}), records, nil)
	if !slices.Equal(r.Lost, []string{"a/should", "invariants/x"}) {
		t.Errorf("lost %q", r.Lost)
	}
	if q := find(t, r, "a/must"); q.Verdict != conformance.Skipped || !q.ByChoice || q.Reason != "not selected: the run is asked for profile none; requirements a/s*" {
		t.Errorf("%+v", q)
	}
}

func TestWhatIsRecordedIsShown(t *testing.T) {
	r := build(rows, ran(
		verdict("a/must", conformance.Pass), verdict("a/should", conformance.Fail),
		journal.Observed{Requirement: "a/record", Case: "c", Name: "status", Value: "400"},
		journal.Observed{Requirement: "a/record", Case: "c", Name: "error", Value: "invalid_request"},
		journal.Verdict{Requirement: "a/record", Case: "c", Verdict: conformance.Recorded}, suiteEnded), nil)
	want := []Observation{{"status", "400"}, {"error", "invalid_request"}}
	if got := find(t, r, "a/record").Cases[0].Observed; !slices.Equal(got, want) {
		t.Errorf("observed %+v", got)
	}
	var table bytes.Buffer
	if err := Table(&table, r, false); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{table.String(), string(Markdown(r))} {
		for _, want := range []string{"c: status 400, error invalid_request", "FAIL (SHOULD)", "excluded: nobody can see it"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
}

// What the user left out has one line for each reason, not one for each row.
func TestLeftOutByChoiceIsSummedUp(t *testing.T) {
	var many []conformance.Requirement
	var events []journal.Event
	for _, c := range "abcdefghijkl" {
		id := "a/" + string(c)
		many = append(many, conformance.Requirement{ID: id, Level: conformance.Must})
		events = append(events, journal.Verdict{Requirement: id, Verdict: conformance.Skipped, Reason: "not selected", ByChoice: true})
	}
	r := build(many, ran(events...), nil)
	var table bytes.Buffer
	if err := Table(&table, r, false); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(table.String(), "not selected"); got != 1 || !strings.Contains(table.String(), "a/h and 4 more") {
		t.Errorf("the reason is there %d times:\n%s", got, table.String())
	}
	if text := string(Markdown(r)); strings.Count(text, "not selected") != 1 || !strings.Contains(text, "a/k, a/l") {
		t.Error(text)
	}
}

func TestPropagationIsSummedUp(t *testing.T) {
	var events []journal.Event
	for n := 20; n >= 1; n-- {
		events = append(events, journal.Measured{What: "a role is granted", Duration: time.Duration(n) * time.Second})
	}
	events = append(events, journal.Measured{What: "a credential is deleted", Duration: time.Minute})
	got := build(rows, ran(events...), nil).Propagation
	want := []Propagation{
		{"a credential is deleted", 1, Duration(time.Minute), Duration(time.Minute), Duration(time.Minute)},
		{"a role is granted", 20, Duration(10 * time.Second), Duration(19 * time.Second), Duration(20 * time.Second)},
	}
	if !slices.Equal(got, want) {
		t.Errorf("propagation %+v", got)
	}
}
