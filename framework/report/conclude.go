package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// Exit codes of a run. When several hold, the order is 2, 4, 1, 3.
const (
	// ExitConformant: every requirement that was to be decided was kept.
	ExitConformant = 0
	// ExitFailed: the target broke a requirement of level MUST.
	ExitFailed = 1
	// ExitUsage: wrong usage or configuration.
	ExitUsage = 2
	// ExitEngine: the engine failed; nothing is said about the target.
	ExitEngine = 3
	// ExitLeft: something was left behind.
	ExitLeft = 4
)

// breaks says whether a requirement's verdict is a breach that counts.
func (r Requirement) breaks() bool {
	return r.Verdict == conformance.Fail && r.Level == conformance.Must
}

// Warns says whether a requirement's verdict is a breach that does not count.
func (r Requirement) Warns() bool {
	return r.Verdict == conformance.Fail && r.Level == conformance.Should
}

// undecided says whether a requirement is open against the user's wish. One that
// is only to be recorded may be left out.
func (r Requirement) undecided() bool {
	return r.Verdict == conformance.Error || r.Verdict == conformance.Skipped && !r.ByChoice && r.Level != conformance.Record
}

func (b *builder) profile(name string, demanded func(string) bool) Profile {
	p := Profile{Name: name, Counts: map[conformance.Verdict]int{}}
	var broken, warnings, open, left []string
	for _, r := range b.report.Requirements {
		if !demanded(r.ID) {
			continue
		}
		p.Counts[r.Verdict]++
		switch {
		case r.breaks():
			broken = append(broken, r.ID)
		case r.Warns():
			warnings = append(warnings, r.ID)
		case r.undecided():
			open = append(open, r.ID)
		case r.Verdict == conformance.Skipped && r.ByChoice && !r.Excluded:
			left = append(left, r.ID)
		}
	}
	switch {
	case len(broken) > 0:
		p.Text = "not conformant: " + some(broken)
	case len(open) > 0:
		p.Text = "not decided: " + some(open)
	case len(left) > 0:
		p.Text = "kept as far as asked; left out by choice: " + some(left)
	default:
		p.Conformant, p.Text = true, "conformant"
	}
	if len(warnings) > 0 {
		p.Text += "; warnings: " + some(warnings)
	}
	return p
}

// some names the first few of many.
func some(ids []string) string {
	const few = 8
	if len(ids) <= few {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:few], ", "), len(ids)-few)
}

// conclude computes the exit code from everything else.
func (b *builder) conclude() {
	r := &b.report
	reached := []struct {
		holds bool
		code  int
		text  string
	}{
		{b.usage, ExitUsage, "wrong usage or configuration: " + b.firstProblem()},
		{len(r.Inventory.Left) > 0, ExitLeft, fmt.Sprintf("left behind: %s", leftText(r.Inventory.Left))},
		{slices.ContainsFunc(r.Requirements, Requirement.breaks), ExitFailed, "the target broke a requirement"},
		{len(r.Problems) > 0, ExitEngine, "the engine failed: " + b.firstProblem()},
		{len(r.Lost) > 0, ExitEngine, "no check decided " + some(r.Lost)},
		{slices.ContainsFunc(r.Requirements, Requirement.undecided), ExitEngine, "not every requirement could be decided"},
		{len(r.Run.Torn) > 0, ExitEngine, fmt.Sprintf("%d lines of the journal cannot be read, and any may be a verdict", len(r.Run.Torn))},
		{!r.Run.Complete, ExitEngine, "the run did not come to its end"},
		{r.Inventory.Made && !r.Inventory.Complete, ExitEngine, "the inventory is incomplete: " + r.Inventory.Reason},
	}
	r.Outcome = Outcome{ExitConformant, "conformant"}
	if len(r.Profiles) > 0 {
		r.Outcome.Text = r.Profiles[0].Text
	}
	for _, c := range reached {
		if c.holds {
			r.Outcome = Outcome{c.code, c.text}
			return
		}
	}
}

// leftText names what was left, or says how much it is.
func leftText(left []Resource) string {
	if len(left) != 1 {
		return fmt.Sprintf("%d resources", len(left))
	}
	return strings.TrimSpace(left[0].Type + " " + left[0].ID + " " + left[0].Name)
}
