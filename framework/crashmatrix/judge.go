package crashmatrix

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// Seen is what was seen at one point.
type Seen struct {
	// Held, Before and After are how many resources the cloud itself had: when the
	// call waited, before the sweep, and after it.
	Held, Before, After int
	// Finished are the verdicts in the journal when the run was killed, Report is
	// what was reported afterwards.
	Finished []journal.Verdict
	Report   report.Report
	// Code is the launcher's exit code, where it lived.
	Code int
	// Sweep is the sweep's exit code.
	Sweep int
	Took  time.Duration
	// Err is why the point was not seen to its end.
	Err error
}

// ErrNotReached says that the run never made the call.
var ErrNotReached = errors.New("the run ended without making the call")

// Result is a point, what was seen, and where that is not as it must be, in one
// sentence each.
type Result struct {
	Point  Point
	Seen   Seen
	Faults []string
}

// Judge compares what was seen at a point with what must be.
func Judge(p Point, s Seen) Result {
	r := Result{Point: p, Seen: s}
	fault := func(format string, args ...any) { r.Faults = append(r.Faults, fmt.Sprintf(format, args...)) }
	if s.Err != nil {
		fault("it was not seen to its end: %v", s.Err)
		return r
	}
	switch {
	case p.Victim == Group && s.Held > 0 && s.Before == 0 && !p.OfTeardown():
		fault("%d resources went without a sweep, so that it proves nothing", s.Held)
	case p.Victim != Group && s.Before > 0:
		fault("who survived left %d resources", s.Before)
	}
	if p.Victim == Process && s.Code != report.ExitEngine {
		fault("the launcher ended with code %d, not %d", s.Code, report.ExitEngine)
	}
	if s.Sweep != report.ExitConformant {
		fault("the sweep ended with code %d", s.Sweep)
	}
	if s.After > 0 {
		fault("after the sweep %d resources are left", s.After)
	}
	for _, v := range s.Finished {
		if !reported(s.Report, v) {
			fault("the verdict %s of %s (%s) is not in the report", v.Verdict, v.Requirement, v.Case)
		}
	}
	return r
}

func reported(r report.Report, v journal.Verdict) bool {
	for _, q := range r.Requirements {
		if q.ID != v.Requirement {
			continue
		}
		for _, c := range q.Cases {
			if c.Name == v.Case && c.Verdict == v.Verdict {
				return true
			}
		}
	}
	return false
}

// Matrix is the results of all points.
type Matrix []Result

// Failures are what is wrong with the matrix, one sentence each. One of chosen
// points may prove less than all of them.
func (m Matrix) Failures(chosen bool) []string {
	var out []string
	broken, swept, verdicts := 0, 0, 0
	for _, r := range m {
		if len(r.Faults) > 0 {
			broken++
		}
		if r.Seen.Before > 0 && r.Seen.After == 0 {
			swept++
		}
		verdicts += len(r.Seen.Finished)
	}
	if broken > 0 {
		out = append(out, fmt.Sprintf("%d of %d points are not as they must be", broken, len(m)))
	}
	if swept == 0 && !chosen {
		out = append(out, "no sweep had anything to delete, so that nothing is proven")
	}
	if verdicts == 0 && !chosen {
		out = append(out, "no run was killed after its first verdict, so that nothing is proven of reports")
	}
	return out
}

// WriteMarkdown draws the table.
func (m Matrix) WriteMarkdown(w io.Writer) error {
	var text strings.Builder
	text.WriteString("# Runs that were killed\n\nEach was killed with SIGKILL while its Nth mutating call waited in the cloud: before the execution, or after it and before the answer. " +
		"Held, before and after are how many resources the cloud had when the call waited, before the sweep and after it; verdicts are those that had been reached and are in the report.\n\n" +
		"| N | call | moment | victim | held | before | after | verdicts | took | |\n|--:|---|---|---|--:|--:|--:|--:|--:|---|\n")
	for _, r := range m {
		says := "as it must be"
		if len(r.Faults) > 0 {
			says = "**" + strings.ReplaceAll(strings.Join(r.Faults, "; "), "|", `\|`) + "**"
		}
		fmt.Fprintf(&text, "| %d | %s | %s | %s | %d | %d | %d | %d | %s | %s |\n", r.Point.N, r.Point.call(), r.Point.Moment(), r.Point.Victim,
			r.Seen.Held, r.Seen.Before, r.Seen.After, len(r.Seen.Finished), r.Seen.Took.Round(100*time.Millisecond), says)
	}
	_, err := io.WriteString(w, text.String())
	return err
}
