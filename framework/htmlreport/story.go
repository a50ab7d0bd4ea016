package htmlreport

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// story is what the journal has beyond the report.
type story struct {
	checks []*check
	// outside are calls that failed while no check was running.
	outside []call
	// files are diagnostics by requirement, named below the run's folder.
	files    map[string][]string
	measured map[string][]time.Duration
	planned  journal.Planned
	nodes    []*node
	// happened is what the cluster said, by its own time.
	happened []journal.Happened
	started  time.Time
	ended    time.Time
}

// check is one case of a requirement, as a process made it.
type check struct {
	requirement, name string
	process           string
	began, ended      time.Time
	verdict           conformance.Verdict
	steps             []step
	compared          *journal.Compared
}

// step is something that a check did, with the calls that it took.
type step struct {
	text  string
	began time.Time
	took  time.Duration
	calls []call
}

// call is a call and how often it was made in a row with the same answer.
type call struct {
	journal.Called
	began time.Time
	times int
}

// node is one piece of work on the graph of resources.
type node struct {
	name         string
	phase        journal.Phase
	began, ended time.Time
	failed       string
}

// tell reads the journal. Records are merged by time, and each process's own are in
// its order, so that what comes between a check's start and its verdict is its own.
func tell(records []journal.Record) *story {
	s := &story{files: map[string][]string{}, measured: map[string][]time.Duration{}}
	running := map[string]*check{}
	open := map[[2]string]*node{}
	for _, r := range records {
		s.span(r.Time)
		switch e := r.Event.(type) {
		case journal.CheckStarted:
			c := &check{requirement: e.Requirement, name: e.Case, process: r.Process, began: r.Time, ended: r.Time}
			running[r.Process] = c
			s.checks = append(s.checks, c)
		case journal.Step:
			if c := running[r.Process]; c != nil {
				c.step(e.Text, r.Time)
			}
		case journal.Called:
			s.call(running[r.Process], e, r.Time)
		case journal.Compared:
			if c := running[r.Process]; c != nil {
				c.compared = &e
			}
		case journal.Verdict:
			s.verdict(running, r, e)
		case journal.Planned:
			s.planned = e
		case journal.NodeStarted:
			n := &node{name: e.Node, phase: e.Phase, began: r.Time, ended: r.Time}
			open[[2]string{string(e.Phase), e.Node}] = n
			s.nodes = append(s.nodes, n)
		case journal.NodeFinished:
			if n := open[[2]string{string(e.Phase), e.Node}]; n != nil {
				n.ended, n.failed = r.Time, e.Error
			}
		case journal.Happened:
			if len(s.happened) < maxHappened {
				s.happened = append(s.happened, e)
			}
		case journal.Measured:
			s.measured[e.What] = append(s.measured[e.What], e.Duration)
		case journal.Diagnostic:
			s.files[e.Requirement] = append(s.files[e.Requirement], e.File)
		}
	}
	for _, c := range running {
		c.end(s.ended)
	}
	return s
}

func (s *story) span(at time.Time) {
	if s.started.IsZero() || at.Before(s.started) {
		s.started = at
	}
	if at.After(s.ended) {
		s.ended = at
	}
}

// verdict ends the check that the process was making. What is decided without a
// check, such as an invariant, is a check of its own.
func (s *story) verdict(running map[string]*check, r journal.Record, v journal.Verdict) {
	c := running[r.Process]
	if c == nil || c.requirement != v.Requirement || c.name != v.Case {
		c = &check{requirement: v.Requirement, name: v.Case, process: r.Process, began: r.Time.Add(-v.Duration)}
		s.checks = append(s.checks, c)
	} else {
		delete(running, r.Process)
	}
	c.verdict = v.Verdict
	c.end(r.Time)
}

func (c *check) step(text string, at time.Time) {
	if n := len(c.steps); n > 0 {
		c.steps[n-1].took = at.Sub(c.steps[n-1].began)
	}
	c.steps = append(c.steps, step{text: text, began: at})
}

func (c *check) end(at time.Time) {
	c.ended = at
	if n := len(c.steps); n > 0 {
		c.steps[n-1].took = at.Sub(c.steps[n-1].began)
	}
}

func (s *story) call(c *check, e journal.Called, at time.Time) {
	made := call{Called: e, began: at.Add(-e.Took), times: 1}
	if c == nil {
		if e.Failed || e.Error != "" {
			s.outside = again(s.outside, made)
		}
		return
	}
	if len(c.steps) == 0 {
		c.step("set-up", c.began)
	}
	last := &c.steps[len(c.steps)-1]
	last.calls = again(last.calls, made)
}

// again adds a call, or counts one more of the last. What a poll asks again and
// again is of no interest until the answer changes.
func again(calls []call, made call) []call {
	if n := len(calls); n > 0 && same(calls[n-1].Called, made.Called) {
		calls[n-1].times++
		calls[n-1].Took += made.Took
		return calls
	}
	return append(calls, made)
}

func same(a, b journal.Called) bool {
	return a.Method == b.Method && a.Status == b.Status && a.Request.Body == b.Request.Body && a.Answer.Body == b.Answer.Body &&
		reflect.DeepEqual(a.Claims, b.Claims)
}

// of are the checks of a requirement, those that failed first.
func (s *story) of(requirement string) []*check {
	var out []*check
	for _, c := range s.checks {
		if c.requirement == requirement {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b *check) int { return cmp.Compare(rank(a.verdict), rank(b.verdict)) })
	return out
}

// rank puts first what a reader looks for.
func rank(v conformance.Verdict) int {
	return slices.Index([]conformance.Verdict{
		conformance.Fail, conformance.Error, "", conformance.Pass, conformance.Recorded, conformance.Skipped, conformance.NotSupported,
	}, v)
}

// pretty indents JSON; what is none stays as it is.
func pretty(raw json.RawMessage) string {
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return string(raw)
	}
	out, err := json.MarshalIndent(tree, "", "  ")
	if err != nil {
		return string(raw)
	}
	return string(out)
}
