package check

import (
	"cmp"
	"strings"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// Judgement is a verdict with its reason.
type Judgement struct {
	Verdict  conformance.Verdict
	Reason   string
	ByChoice bool
}

// Asked is what the user asked a run to check.
type Asked struct {
	// Filter is the label filter of the run; it tells a check that was not
	// selected from one that an interrupt left out.
	Filter string
	// Words say the same to a reader.
	Words string
}

// Judge gives the verdict that follows from a spec's report, the level of the
// requirement that it decides, and its notes.
//
// A spec that failed is a FAIL unless its last word was an engine fault. One that
// ran out of time, panicked or was interrupted is an ERROR: the limits of nodes
// are the engine's; those that a requirement sets are Eventually's. A requirement
// of the level RECORD is never judged: its check has recorded something, or has
// failed to.
func Judge(spec types.SpecReport, level conformance.Level, notes Notes, asked Asked) Judgement {
	message := OneLine(spec.Failure.Message)
	switch spec.State {
	case types.SpecStatePassed:
		return judgePassed(level, notes)
	case types.SpecStateFailed:
		message = cmp.Or(message, "the check failed without a message")
		switch {
		case notes.Fault != "":
			return Judgement{Verdict: conformance.Error, Reason: OneLine(notes.Fault)}
		case level == conformance.Record:
			return Judgement{Verdict: conformance.Error, Reason: "nothing is judged here, but the check failed: " + message}
		}
		return Judgement{Verdict: conformance.Fail, Reason: message}
	case types.SpecStateTimedout:
		return Judgement{Verdict: conformance.Error, Reason: "the check ran out of time: " + message}
	case types.SpecStatePanicked:
		return Judgement{Verdict: conformance.Error, Reason: "the check panicked: " + OneLine(spec.Failure.ForwardedPanic)}
	case types.SpecStateInterrupted, types.SpecStateAborted:
		return Judgement{Verdict: conformance.Error, Reason: "the check was interrupted: " + message}
	case types.SpecStatePending:
		return Judgement{Verdict: conformance.Skipped, Reason: "the check is marked as pending"}
	case types.SpecStateSkipped:
		return judgeSkipped(spec, notes, asked, message)
	}
	return Judgement{Verdict: conformance.Error, Reason: "the check ended in the unknown state " + spec.State.String()}
}

func judgePassed(level conformance.Level, notes Notes) Judgement {
	switch {
	case level != conformance.Record:
		return Judgement{Verdict: conformance.Pass}
	case len(notes.Observations) == 0:
		return Judgement{Verdict: conformance.Error, Reason: "the check is to record what happens, and recorded nothing"}
	}
	return Judgement{Verdict: conformance.Recorded}
}

func judgeSkipped(spec types.SpecReport, notes Notes, asked Asked, message string) Judgement {
	switch {
	case notes.Unsupported != "":
		return Judgement{Verdict: conformance.NotSupported, Reason: notes.Unsupported}
	case message != "":
		return Judgement{Verdict: conformance.Skipped, Reason: message, ByChoice: notes.ByChoice}
	case !selected(spec, asked.Filter):
		return Judgement{Verdict: conformance.Skipped, Reason: "not selected: the run is asked for " + asked.Words, ByChoice: true}
	}
	return Judgement{Verdict: conformance.Skipped, Reason: "the suite was interrupted, or ran out of time, before this check"}
}

func selected(spec types.SpecReport, filter string) bool {
	if filter == "" {
		return true
	}
	matches, err := types.ParseLabelFilter(filter)
	return err == nil && matches(spec.Labels())
}

// OneLine joins the lines of a message.
func OneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
