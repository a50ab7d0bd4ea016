package faultmatrix

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// Seen is what came of a run during a fault.
type Seen struct {
	// Code is its exit code, Left how many resources the cloud itself had after it.
	Code, Left int
	// Sweep is the exit code of a sweep after the fault, Swept how many resources the
	// cloud had after it. They are looked at only if a run is to leave something.
	Sweep, Swept int
	// Report is the run's; the zero Report if it could write none.
	Report report.Report
	Took   time.Duration
	// Err is why the run was not seen to its end.
	Err error
}

// Result is a fault, what was seen, and where that is not as it must be, in one
// sentence each.
type Result struct {
	Fault  Fault
	Seen   Seen
	Faults []string
}

// Judge compares what was seen with what must be.
func Judge(f Fault, s Seen) Result {
	r := Result{Fault: f, Seen: s}
	fault := func(format string, args ...any) { r.Faults = append(r.Faults, fmt.Sprintf(format, args...)) }
	if s.Err != nil {
		fault("it was not seen to its end: %v", s.Err)
		return r
	}
	if s.Code != f.Want {
		fault("the exit code is %d, not %d", s.Code, f.Want)
	}
	if f.Want == leaves {
		r.Faults = append(r.Faults, s.unowned()...)
	} else if s.Left > 0 {
		fault("%d resources are left behind", s.Left)
	}
	for _, q := range s.Report.Requirements {
		// That something is left is no lie of the report's.
		if q.Verdict == conformance.Fail && (f.Want != leaves || q.ID != conformance.NothingLeftBehind) {
			fault("%s is FAIL: %s", q.ID, q.Reason)
		}
	}
	if f.Want != completes && f.Disk == "" && s.why() == "" {
		fault("the report says no reason")
	}
	return r
}

// unowned is what is wrong with a run that leaves what it must.
func (s Seen) unowned() []string {
	var out []string
	// The cloud may have more: a default security group goes with its network.
	if named := len(s.Report.Inventory.Left); named == 0 || named > s.Left {
		out = append(out, fmt.Sprintf("the report names %d resources that are left, the cloud has %d", len(s.Report.Inventory.Left), s.Left))
	}
	for _, left := range s.Report.Inventory.Left {
		if !strings.Contains(left.Reason, " delete "+left.ID) {
			out = append(out, fmt.Sprintf("the report does not say how %s %s is deleted", left.Type, left.ID))
		}
	}
	if s.Sweep != completes || s.Swept > 0 {
		out = append(out, fmt.Sprintf("a sweep after the fault ends with %d, and %d resources are there", s.Sweep, s.Swept))
	}
	return out
}

// why is the first reason that the report gives.
func (s Seen) why() string {
	for _, p := range s.Report.Problems {
		return p.Reason
	}
	for _, q := range s.Report.Requirements {
		if q.Verdict == conformance.Error {
			return q.Reason
		}
	}
	return ""
}

// Outcome in a word.
func (r Result) Outcome() string {
	switch {
	case len(r.Faults) > 0:
		return "NOT AS IT MUST BE"
	case r.Seen.Code == completes:
		return "completes"
	case r.Fault.Want == leaves:
		return "left, then swept"
	}
	return "ERROR"
}

// Matrix is the results of all faults.
type Matrix []Result

// Failed counts the faults that were not met as they must be.
func (m Matrix) Failed() int {
	n := 0
	for _, r := range m {
		if len(r.Faults) > 0 {
			n++
		}
	}
	return n
}

// WriteMarkdown draws the table.
func (m Matrix) WriteMarkdown(w io.Writer) error {
	var text strings.Builder
	text.WriteString("# Runs during faults\n\nWhatever goes wrong, a run completes (exit code 0) or ends as ERROR (3), and leaves nothing behind in the cloud. " +
		"What the cloud itself does not let go of during a fault the run names (4), with the command for each; after the fault `wlif sweep` takes it away.\n\n" +
		"| fault | what goes wrong | outcome | exit code | left behind | after a sweep | took | reason |\n|---|---|---|--:|--:|--:|--:|---|\n")
	for _, r := range m {
		reason := r.Seen.why()
		if len(r.Faults) > 0 {
			reason = strings.Join(r.Faults, "; ")
		}
		if first, _, more := strings.Cut(reason, "\n"); more {
			reason = first + " ..."
		}
		swept := ""
		if r.Fault.Want == leaves {
			swept = strconv.Itoa(r.Seen.Swept)
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %d | %d | %s | %s | %s |\n", r.Fault.Name, r.Fault.Doc, r.Outcome(), r.Seen.Code, r.Seen.Left, swept,
			r.Seen.Took.Round(100*time.Millisecond), strings.ReplaceAll(reason, "|", `\|`))
	}
	_, err := io.WriteString(w, text.String())
	return err
}
