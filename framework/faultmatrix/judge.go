package faultmatrix

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// Seen is what came of a run during a fault.
type Seen struct {
	// Code is its exit code, Left how many resources the cloud itself had after it.
	Code, Left int
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
	if s.Left > 0 {
		fault("%d resources are left behind", s.Left)
	}
	for _, q := range s.Report.Requirements {
		if q.Verdict == conformance.Fail {
			fault("%s is FAIL: %s", q.ID, q.Reason)
		}
	}
	if f.Want == isError && f.Disk == "" && s.why() == "" {
		fault("the report says no reason")
	}
	return r
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
	text.WriteString("# Runs during faults\n\nWhatever goes wrong, a run completes (exit code 0) or ends as ERROR (3), and leaves nothing behind in the cloud.\n\n" +
		"| fault | what goes wrong | outcome | exit code | left behind | took | reason |\n|---|---|---|--:|--:|--:|---|\n")
	for _, r := range m {
		reason := r.Seen.why()
		if len(r.Faults) > 0 {
			reason = strings.Join(r.Faults, "; ")
		}
		if first, _, more := strings.Cut(reason, "\n"); more {
			reason = first + " ..."
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %d | %d | %s | %s |\n", r.Fault.Name, r.Fault.Doc, r.Outcome(), r.Seen.Code, r.Seen.Left,
			r.Seen.Took.Round(100*time.Millisecond), strings.ReplaceAll(reason, "|", `\|`))
	}
	_, err := io.WriteString(w, text.String())
	return err
}
