package killmatrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// Result is what came of one bug's run.
type Result struct {
	Bug bugs.Bug
	// Killed are the requirements whose verdict is FAIL.
	Killed []string
	// Faults say, one sentence each, where the run differs from what the bug
	// declares. None: the bug was killed as declared.
	Faults []string
}

// Judge compares a bug's run with what the bug declares. Only a FAIL kills: a
// check that is an ERROR, because its twin failed, has caught nothing.
func Judge(b bugs.Bug, r report.Report) Result {
	result := Result{Bug: b}
	verdicts := map[string]report.Requirement{}
	for _, q := range r.Requirements {
		verdicts[q.ID] = q
		if q.Verdict == conformance.Fail {
			result.Killed = append(result.Killed, q.ID)
		}
	}
	fault := func(format string, args ...any) { result.Faults = append(result.Faults, fmt.Sprintf(format, args...)) }
	for _, id := range b.MustKill {
		if v := verdicts[id]; v.Verdict != conformance.Fail {
			fault("%s must be FAIL and is %s", id, told(v))
		}
	}
	for _, q := range r.Requirements {
		if slices.Contains(b.MustKill, q.ID) || may(b, q.ID) {
			continue
		}
		switch q.Verdict {
		case conformance.Fail:
			fault("%s is FAIL, which the bug does not declare: %s", q.ID, q.Reason)
		case conformance.Error:
			fault("%s is ERROR: %s", q.ID, q.Reason)
		}
	}
	for _, p := range r.Problems {
		if len(b.MustKill) > 0 && !slices.ContainsFunc(b.MayKill, func(m bugs.May) bool { return m.ID == EngineProblem }) {
			fault("the run had a problem at %s: %s", p.Where, p.Reason)
		}
	}
	return result
}

// EngineProblem in a bug's MayKill says that a run with it may have problems that
// belong to no requirement.
const EngineProblem = "engine"

func told(q report.Requirement) string {
	if q.ID == "" {
		return "not in the report"
	}
	return strings.TrimSuffix(fmt.Sprintf("%s: %s", q.Verdict, q.Reason), ": ")
}

// Control says why a run without any bug is no control: every check of it must
// have passed, or have recorded something, or have a reason not to have run.
func Control(r report.Report) []string {
	var faults []string
	for _, q := range r.Requirements {
		if q.Verdict == conformance.Fail || q.Verdict == conformance.Error {
			faults = append(faults, fmt.Sprintf("without any bug %s is %s", q.ID, told(q)))
		}
	}
	for _, p := range r.Problems {
		faults = append(faults, fmt.Sprintf("without any bug the run had a problem at %s: %s", p.Where, p.Reason))
	}
	return faults
}
