package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

func TestChosenBugs(t *testing.T) {
	chosen, err := chosenBugs([]string{"JWKSOfAnySize", "JWKSOfAny*", "AlgNoneAccepted"})
	if err != nil {
		t.Fatal(err)
	}
	// In the table's order, each once.
	if len(chosen) != 2 || chosen[0].Name != "AlgNoneAccepted" || chosen[1].Name != "JWKSOfAnySize" {
		t.Errorf("%+v", chosen)
	}
	if _, err := chosenBugs([]string{"AlgNoneAccepted", "NoSuch*"}); err == nil {
		t.Error("a pattern of nothing was taken")
	}
}

// TestKillQueue: runs that compute are few at a time, the others fill every place, and
// none is forgotten.
func TestKillQueue(t *testing.T) {
	q := &killQueue{heavy: []int{0, 1, 2}, light: []int{3, 4}, few: 1}
	var order []int
	first, done := q.next()
	order = append(order, first)
	for range 2 {
		i, end := q.next()
		order = append(order, i)
		end()
	}
	if _, end := q.next(); end != nil {
		t.Error("a second heavy one was begun beside the first")
	}
	for done != nil {
		done()
		var i int
		if i, done = q.next(); done != nil {
			order = append(order, i)
		}
	}
	if !slices.Equal(order, []int{0, 3, 4, 1, 2}) {
		t.Errorf("the order is %v", order)
	}
}

// TestLending: a cluster that was given back is lent again, and none stays when nobody is
// left to ask for it.
func TestLending(t *testing.T) {
	l := &lending{borrowers: 3}
	lent := func() lentCluster {
		t.Helper()
		c, name := l.take()
		if name == "" {
			t.Fatal("there is an idle cluster, where all are lent")
		}
		c.folder = name
		return c
	}
	first, second := lent(), lent()
	if first.folder == second.folder {
		t.Errorf("two clusters are named %s", first.folder)
	}
	if spare := l.giveBack(first); len(spare) > 0 {
		t.Errorf("%v is to be deleted, and one run is still to borrow one", spare)
	}
	again, name := l.take()
	if name != "" || again.folder != first.folder {
		t.Errorf("lent is %q, or a new one %q, and not %s, which is idle", again.folder, name, first.folder)
	}
	var deleted []string
	for _, c := range []lentCluster{second, again} {
		for _, spare := range l.giveBack(c) {
			deleted = append(deleted, spare.folder)
		}
	}
	if !slices.Equal(deleted, []string{second.folder, first.folder}) {
		t.Errorf("deleted are %v, and not both", deleted)
	}
}

// TestReadRun: verdicts count only of a run that came to its end, and of no other beside.
func TestReadRun(t *testing.T) {
	verdict := journal.Verdict{Requirement: "access/no-role", Case: "c", Verdict: conformance.Fail, Reason: "r"}
	for name, tc := range map[string]struct {
		runs   []string
		events []journal.Event
		err    string
	}{
		"ended":    {[]string{"a"}, []journal.Event{verdict, journal.RunFinished{}}, ""},
		"killed":   {[]string{"a"}, []journal.Event{verdict}, "has no end"},
		"none":     {nil, nil, "0 runs"},
		"two runs": {[]string{"a", "b"}, []journal.Event{verdict, journal.RunFinished{}}, "2 runs"},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			if err := os.WriteFile(filepath.Join(out, "run.log"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, run := range tc.runs {
				dir := filepath.Join(out, run)
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				w, err := journal.Open(dir, "run", &redact.Redactor{})
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range tc.events {
					if err := w.Write(e); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			made, err := readRun(out)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(made.report.Requirements, func(q report.Requirement) bool { return q.ID == verdict.Requirement })
			if i < 0 || made.report.Requirements[i].Verdict != verdict.Verdict || made.folder != filepath.Join(out, "a") {
				t.Errorf("%s is not %s in %+v", verdict.Requirement, verdict.Verdict, made)
			}
			if err := made.writeReports(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(made.folder, "report.html")); err != nil {
				t.Error(err)
			}
		})
	}
}
