package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

func changed(list []Change) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.What+": "+c.Before+" -> "+c.Now)
	}
	return out
}

func TestDiff(t *testing.T) {
	observed := func(value string) journal.Event {
		return journal.Observed{Requirement: conformance.TutorialExchange, Case: "the tutorial", Name: "outcome", Value: value}
	}
	before := Build(at(append([]journal.Event{observed("accepted"), observed("id ajeabcdefghijklmnopq")}, allPass...)...), nil)
	opened := opening
	opened.Commit = "4567def"
	events := append([]journal.Event{opened, observed("rejected"), observed("id ajezbcdefghijklmnopq")}, verdicts(conformance.Pass, "", conformance.TutorialPayload, conformance.TutorialDeleted, conformance.TutorialExchange)...)
	events = append(events,
		journal.Verdict{Requirement: conformance.TutorialExchange, Case: "the tutorial", Verdict: conformance.Fail, Reason: "refused", Duration: 9 * time.Second},
		journal.Verdict{Requirement: conformance.TutorialPayload, Case: "the tutorial", Verdict: conformance.Skipped, Reason: "tutorial/exchange failed before it"},
		journal.Exit{Program: "suite"}, journal.Inventory{Complete: true}, journal.RunFinished{})
	now := Build(at(events...), nil)

	c := Diff(before, now)
	for _, tc := range []struct {
		name string
		got  []Change
		want []string
	}{
		{"targets", c.Targets, []string{"tool: v0.1.0 0123abc -> v0.1.0 4567def"}},
		{"verdicts", c.Verdicts, []string{"tutorial/exchange: PASS -> FAIL"}},
		{"lost", c.Lost, []string{"tutorial/payload: PASS -> SKIPPED", "tutorial/deleted: PASS -> ERROR"}},
		{"added", c.Added, nil},
		{"facts", c.Facts, []string{"tutorial/exchange the tutorial: outcome: accepted, id … -> rejected, id …"}},
	} {
		if got := changed(tc.got); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	if !slices.Contains(changed(c.Durations), "tutorial/exchange: 1.5s -> 9s") || !c.Regressed() || c.None() {
		t.Errorf("%+v", c)
	}
	back := Diff(now, before)
	if got := changed(back.Added); len(got) != 2 || len(back.Lost) != 0 || back.Regressed() {
		t.Errorf("the other way round: %+v", back)
	}
	if same := Diff(before, before); !same.None() || same.Regressed() || len(same.Durations) != 0 {
		t.Errorf("nothing changed: %+v", same)
	}
	without := now
	without.Requirements = nil
	if got := Diff(before, without); len(got.Lost) != 13 {
		t.Errorf("%d are lost of a report without requirements", len(got.Lost))
	}
}

// shard is a run that was asked for some requirements.
func shard(id string, chosen []string, others ...journal.Event) Report {
	opened := opening
	opened.RunID, opened.Chosen, opened.Selection, opened.Reproduce = id, chosen, "some", "wlif run "+id
	events := []journal.Event{opened, journal.Verdict{Requirement: conformance.NothingLeftBehind, Case: "c", Verdict: conformance.Pass}}
	for _, id := range chosen {
		events = append(events, journal.Verdict{Requirement: id, Case: "c", Verdict: conformance.Pass, Duration: time.Second})
	}
	events = append(events, others...)
	return Build(at(append(events, journal.Exit{Program: "suite"}, journal.Inventory{Complete: true}, journal.RunFinished{})...), nil)
}

func TestMerge(t *testing.T) {
	core, _ := conformance.FindProfile(conformance.ProfileCore)
	one, two := core.Requirements[:6], core.Requirements[5:]
	left := journal.ResourceLeft{Type: "vpc.network", ID: "enp"}
	failed := journal.Verdict{Requirement: one[0], Case: "another", Verdict: conformance.Fail, Reason: "broken"}
	for _, tc := range []struct {
		name    string
		shards  []Report
		code    int
		skipped int
	}{
		{"whole", []Report{shard("a", one), shard("b", two)}, ExitConformant, 0},
		{"a part alone", []Report{shard("a", one)}, ExitConformant, len(core.Requirements) - len(one) - 1},
		{"one failed", []Report{shard("a", one, failed), shard("b", two)}, ExitFailed, 0},
		{"something left", []Report{shard("a", one), shard("b", two, left)}, ExitLeft, 0},
		{"a problem", []Report{shard("a", one, journal.Problem{Where: "suite", Reason: "r"}), shard("b", two)}, ExitEngine, 0},
		{"one without an end", []Report{shard("a", one), Build(at(opening), nil)}, ExitEngine, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			merged, err := Merge(tc.shards...)
			if err != nil || merged.Outcome.ExitCode != tc.code {
				t.Fatalf("%v, outcome %+v, want %d", err, merged.Outcome, tc.code)
			}
			if len(merged.Requirements) != len(core.Requirements) {
				t.Errorf("%d requirements", len(merged.Requirements))
			}
			skipped := 0
			for _, q := range merged.Requirements {
				if q.Verdict == conformance.Skipped {
					skipped++
				}
			}
			if tc.code == ExitConformant && merged.Profiles[0].Conformant != (tc.skipped == 0) || tc.skipped > 0 && skipped < tc.skipped {
				t.Errorf("%d skipped, %+v", skipped, merged.Profiles[0])
			}
		})
	}
	merged, _ := Merge(shard("a", one, failed), shard("b", two))
	if q := merged.Requirements[0]; len(q.Cases) != 2 || q.Verdict != conformance.Fail || q.Remediation == "" || merged.Run.ID != "a+b" || !strings.Contains(merged.Run.Reproduce, "wlif run b") {
		t.Errorf("%+v, run %+v", q, merged.Run)
	}
	if q := merged.Requirements[5]; len(q.Cases) != 2 || q.Duration != Duration(2*time.Second) {
		t.Errorf("of what both shards decided there is %+v", q)
	}
	ended, _ := Merge(shard("a", one), Build(at(opening), nil))
	if q := ended.Requirements[8]; q.Verdict != conformance.Error {
		t.Errorf("one shard left it out, the other did not come to it: %+v", q)
	}
	other := shard("b", two)
	other.Run.Profile = "full"
	for name, shards := range map[string][]Report{"none": nil, "twice": {shard("a", one), shard("a", two)}, "profiles": {shard("a", one), other}} {
		if _, err := Merge(shards...); err == nil {
			t.Errorf("%s: merged", name)
		}
	}
}

func TestAnnotations(t *testing.T) {
	text := Annotations(Build(full(), nil))
	for _, want := range []string{
		"::error title=teardown::cluster: operation x failed\n",
		"::error title=tutorial/exchange::the exchange was refused: 400 invalid_request | \"subject\" <wlif> not linked%0AWhat to do: ",
		"::error title=left behind::vpc.network enp1 wlif-k3v9x2ab-net\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got := command("error", "a:b,c", "100%\r\nx"); got != "::error title=a%3Ab%2Cc::100%25%0D%0Ax\n" {
		t.Errorf("%q", got)
	}
	many := Build(at(append([]journal.Event{opening}, verdicts(conformance.Fail, "r")...)...), nil)
	if lines := strings.Split(strings.TrimSpace(Annotations(many)), "\n"); len(lines) != maxAnnotations || !strings.Contains(lines[9], "more are in the reports") {
		t.Errorf("%d annotations, the last is %q", len(lines), lines[len(lines)-1])
	}
	if got := Annotations(Build(at(append(allPass, journal.Exit{Program: "suite"})...), nil)); got != "" {
		t.Errorf("a green run says %q", got)
	}
	many.Run.Reproduce = strings.Repeat("x", 2*maxSummary)
	if n := len(StepSummary(many)); n != maxSummary {
		t.Errorf("the summary has %d bytes", n)
	}
}

func TestBadge(t *testing.T) {
	for _, tc := range []struct {
		code       int
		conformant bool
		want       string
	}{
		{ExitConformant, true, "conformant, Kubernetes 1.36"}, {ExitConformant, false, "kept as far as asked, Kubernetes 1.36"},
		{ExitFailed, false, "not conformant, Kubernetes 1.36"}, {ExitEngine, false, "not decided, Kubernetes 1.36"}, {ExitLeft, true, "left something behind, Kubernetes 1.36"},
	} {
		got, err := Badge(Report{Outcome: Outcome{ExitCode: tc.code}, Profiles: []Profile{{Conformant: tc.conformant}}, Run: Run{Profile: "<core>"}, Target: Target{KubernetesVersion: "1.36.3"}})
		if err != nil || !strings.Contains(string(got), "<title>WLIF &lt;core&gt;: "+tc.want+"</title>") {
			t.Errorf("%v: %s", err, got)
		}
	}
}
