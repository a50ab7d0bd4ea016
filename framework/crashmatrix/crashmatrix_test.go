package crashmatrix_test

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/crashmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

func TestEveryCallHasEveryMomentAndVictim(t *testing.T) {
	points := crashmatrix.Points([]string{"yandex.cloud.vpc.v1.NetworkService/Create", "yandex.cloud.k8s.v1.ClusterService/Create", "yandex.cloud.vpc.v1.NetworkService/Create"})
	if len(points) != 3*2*3 {
		t.Fatalf("%d points", len(points))
	}
	seen := map[crashmatrix.Point]bool{}
	for _, p := range points {
		if seen[p] {
			t.Errorf("twice: %s", p)
		}
		seen[p] = true
		if p.OfCluster() != (p.N == 2) || p.Call != 1 && p.N != 3 || p.Call != 2 && p.N == 3 {
			t.Errorf("%s is call %d of its method, of a cluster: %t", p, p.Call, p.OfCluster())
		}
	}
}

// A sample has every victim and both moments, and goes over the whole run.
func TestSample(t *testing.T) {
	for calls := 10; calls < 60; calls++ {
		all := crashmatrix.Points(slices.Repeat([]string{"m"}, calls))
		sample := crashmatrix.Sample(all, 10)
		victims, moments := map[crashmatrix.Victim]bool{}, map[string]bool{}
		for _, p := range sample {
			victims[p.Victim], moments[p.Moment()] = true, true
		}
		if len(sample) != 10 || len(victims) != 3 || len(moments) != 2 || sample[9].N < calls/2 {
			t.Errorf("of %d calls: %v", calls, sample)
		}
	}
	if all := crashmatrix.Points([]string{"m"}); len(crashmatrix.Sample(all, 0)) != 6 || len(crashmatrix.Sample(all, 100)) != 6 {
		t.Error("not all")
	}
}

func TestJudge(t *testing.T) {
	verdict := journal.Verdict{Requirement: "tutorial/linked", Case: "links it", Verdict: conformance.Pass}
	told := report.Report{Requirements: []report.Requirement{{ID: "tutorial/linked", Cases: []report.Case{{Name: "links it", Verdict: conformance.Pass}}}}}
	group := crashmatrix.Seen{Held: 3, Before: 3, Finished: []journal.Verdict{verdict}, Report: told}
	alone := crashmatrix.Seen{Held: 3, Code: 3}
	change := func(s crashmatrix.Seen, f func(*crashmatrix.Seen)) crashmatrix.Seen { f(&s); return s }
	for name, tc := range map[string]struct {
		victim crashmatrix.Victim
		seen   crashmatrix.Seen
		says   string // "" is as it must be
		method string // "" is a creation
	}{
		"swept":                 {crashmatrix.Group, group, "", ""},
		"nothing was made":      {crashmatrix.Group, crashmatrix.Seen{}, "", ""},
		"nothing to sweep":      {crashmatrix.Group, change(group, func(s *crashmatrix.Seen) { s.Before = 0 }), "proves nothing", ""},
		"deleted on its own":    {crashmatrix.Group, change(group, func(s *crashmatrix.Seen) { s.Before = 0 }), "", "m/Delete"},
		"left by the sweep":     {crashmatrix.Group, change(group, func(s *crashmatrix.Seen) { s.After = 1 }), "after the sweep 1", ""},
		"the sweep failed":      {crashmatrix.Group, change(group, func(s *crashmatrix.Seen) { s.Sweep = 4 }), "code 4", ""},
		"verdict lost":          {crashmatrix.Group, change(group, func(s *crashmatrix.Seen) { s.Report = report.Report{} }), "tutorial/linked (links it) is not in the report", ""},
		"not reached":           {crashmatrix.Group, crashmatrix.Seen{Err: crashmatrix.ErrNotReached}, "without making the call", ""},
		"survivors cleaned up":  {crashmatrix.Process, alone, "", ""},
		"suite cleaned up":      {crashmatrix.Launcher, change(alone, func(s *crashmatrix.Seen) { s.Code = -1 }), "", ""},
		"survivors left things": {crashmatrix.Launcher, change(alone, func(s *crashmatrix.Seen) { s.Before = 2 }), "survived left 2", ""},
		"taken for conformant":  {crashmatrix.Process, change(alone, func(s *crashmatrix.Seen) { s.Code = 0 }), "code 0, not 3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			method := cmp.Or(tc.method, "m/Create")
			r := crashmatrix.Judge(crashmatrix.Point{N: 1, Method: method, Call: 1, Victim: tc.victim}, tc.seen)
			if got := strings.Join(r.Faults, "; "); (got == "") != (tc.says == "") || !strings.Contains(got, tc.says) {
				t.Errorf("it says %q", got)
			}
			var page bytes.Buffer
			if err := (crashmatrix.Matrix{r}).WriteMarkdown(&page); err != nil || !strings.Contains(page.String(), tc.says) {
				t.Errorf("%v, the page says %s", err, page.String())
			}
		})
	}
}

// A matrix in which nothing could have gone wrong proves nothing.
func TestMatrixThatProvesNothing(t *testing.T) {
	verdict := []journal.Verdict{{}}
	good := crashmatrix.Result{Seen: crashmatrix.Seen{Held: 1, Before: 1, Finished: verdict}}
	for name, tc := range map[string]struct {
		m    crashmatrix.Matrix
		says string
	}{
		"good":         {crashmatrix.Matrix{good}, ""},
		"fault":        {crashmatrix.Matrix{good, {Faults: []string{"x"}}}, "1 of 2 points"},
		"never swept":  {crashmatrix.Matrix{{Seen: crashmatrix.Seen{Finished: verdict}}}, "no sweep"},
		"never judged": {crashmatrix.Matrix{{Seen: crashmatrix.Seen{Before: 1}}}, "first verdict"},
		"empty":        {nil, "no sweep"},
		"not reached":  {crashmatrix.Matrix{good, crashmatrix.Judge(crashmatrix.Point{}, crashmatrix.Seen{Err: errors.New("x")})}, "1 of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(tc.m.Failures(false), "; "); (got == "") != (tc.says == "") || !strings.Contains(got, tc.says) {
				t.Errorf("it says %q", got)
			}
		})
	}
	for _, m := range []crashmatrix.Matrix{{{}}, {{Faults: []string{"x"}}}} {
		if got := m.Failures(true); len(got) != len(m[0].Faults) {
			t.Errorf("of chosen points: %q", got)
		}
	}
}
