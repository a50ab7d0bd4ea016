package htmlreport

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// requirement is a row of the report with what its checks did.
type requirement struct {
	report.Requirement
	// Bad is shown with everything there is.
	Bad bool
	// Advice is what to do when it fails, Again the command that repeats it alone.
	Advice, Again string
	// Bugs and ProvenBy show that the checks can fail; Unproven that nothing does.
	Bugs     []Bug
	ProvenBy string
	Unproven bool
	Checks   []checkView
	Files    []fileView
	// Compared is of the first check that failed and has one.
	Compared *journal.Compared
}

type checkView struct {
	report.Case
	Process string
	Steps   []stepView
}

type stepView struct {
	Text string
	// At is since the start of the check.
	At, Took time.Duration
	Calls    []callView
	// More calls are in the journal alone.
	More int
}

type callView struct {
	journal.Called
	Times int
	Bad   bool
	// Brief calls have no messages.
	Brief bool
}

type fileView struct{ Name, Text string }

// Bounds on what the page shows; the journal has all of it.
const (
	maxCalls     = 60
	maxCallsGood = 8
	maxFile      = 12000
	maxHappened  = 300
	maxGood      = 700
)

func present(q report.Requirement, s *story, in Input) *requirement {
	row, known := conformance.Lookup(q.ID)
	out := &requirement{
		Requirement: q, Bad: q.Verdict == conformance.Fail || q.Verdict == conformance.Error, Again: reproduce(in.Report.Run.Reproduce, q.ID),
		Advice: cmp.Or(q.Remediation, row.Remediation), Bugs: in.Proofs[q.ID], ProvenBy: row.ProvenBy,
	}
	judged := known && row.Level != conformance.Record && row.Excluded == ""
	out.Unproven = judged && in.Proofs != nil && len(out.Bugs) == 0 && out.ProvenBy == ""
	made := s.of(q.ID)
	for _, c := range q.Cases {
		view := checkView{Case: c}
		if i := slices.IndexFunc(made, func(m *check) bool { return m.name == c.Name }); i >= 0 {
			view.Process, view.Steps = made[i].process, made[i].views(out.Bad)
			if out.Compared == nil && made[i].compared != nil {
				out.Compared = made[i].compared
			}
		}
		out.Checks = append(out.Checks, view)
	}
	out.Reason = cause(q.Reason, out.Compared != nil)
	for i := range out.Checks {
		out.Checks[i].Reason = cause(out.Checks[i].Reason, out.Compared != nil)
	}
	slices.SortStableFunc(out.Checks, func(a, b checkView) int { return cmp.Compare(rank(a.Verdict), rank(b.Verdict)) })
	if in.File != nil && out.Bad {
		out.Files = evidence(s.files[q.ID], in.File)
	}
	return out
}

// selects is a flag that says what is run, as a shell or the report's command quotes it.
var selects = regexp.MustCompile(` ('--(requirement|label-filter)=[^']*'|--(requirement|label-filter)[= ]('[^']*'|\S*))`)

// reproduce is the run's command for one requirement alone. Those about whole runs
// need all of it.
func reproduce(command, id string) string {
	if command == "" || strings.HasPrefix(id, "invariants/") {
		return command
	}
	command, _, _ = strings.Cut(command, "\n") // the first shard's, if there are several
	return selects.ReplaceAllString(command, "") + " --requirement=" + id
}

// cause is a verdict's reason without what the table below says better.
func cause(reason string, compared bool) string {
	if before, _, found := strings.Cut(reason, exchange.BothSides); found && compared {
		return before
	}
	return reason
}

func (c *check) views(bad bool) []stepView {
	var out []stepView
	for _, s := range c.steps {
		v := stepView{Text: s.text, At: s.began.Sub(c.began), Took: s.took}
		limit := maxCallsGood
		if bad {
			limit = maxCalls
		}
		v.Calls = calls(s.calls, bad)
		if len(v.Calls) > limit {
			v.More = len(v.Calls) - limit
			v.Calls = v.Calls[:limit]
		}
		out = append(out, v)
	}
	return out
}

// calls are shown whole where something is bad. Elsewhere the messages of the
// cloud's API are left out and those of exchanges are cut.
func calls(list []call, bad bool) []callView {
	var out []callView
	for _, c := range list {
		v := callView{Called: c.Called, Times: c.times, Bad: c.Failed || c.Error != ""}
		if !bad {
			v.Brief = c.Protocol == "gRPC" && !v.Bad
			v.Request.Header, v.Answer.Header = nil, nil
			v.Request.Body, v.Answer.Body = trim(v.Request.Body, maxGood), trim(v.Answer.Body, maxGood)
		}
		out = append(out, v)
	}
	return out
}

func trim(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// evidence reads files of the run's folder: the end of long ones, where what went
// wrong stands.
func evidence(names []string, read func(string) (string, error)) []fileView {
	var out []fileView
	for _, name := range names {
		text, err := read(name)
		if err != nil {
			text = err.Error()
		}
		if len(text) > maxFile {
			text = "…" + strings.ToValidUTF8(text[len(text)-maxFile:], "")
		}
		out = append(out, fileView{name, text})
	}
	return out
}
