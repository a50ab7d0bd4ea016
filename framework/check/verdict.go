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

// Judge gives the verdict that follows from a spec's report and its notes.
// filter is the label filter of the run; it tells a check that was not selected
// from one that an interrupt left out.
//
// A spec that failed is a FAIL unless its last word was an engine fault. One that
// ran out of time, panicked or was interrupted is an ERROR: the limits of nodes
// are the engine's; those that a requirement sets are Eventually's.
func Judge(spec types.SpecReport, notes Notes, filter string) Judgement {
	message := OneLine(spec.Failure.Message)
	switch spec.State {
	case types.SpecStatePassed:
		return Judgement{Verdict: conformance.Pass}
	case types.SpecStateFailed:
		if notes.Fault != "" {
			return Judgement{Verdict: conformance.Error, Reason: OneLine(notes.Fault)}
		}
		return Judgement{Verdict: conformance.Fail, Reason: cmp.Or(message, "the check failed without a message")}
	case types.SpecStateTimedout:
		return Judgement{Verdict: conformance.Error, Reason: "the check ran out of time: " + message}
	case types.SpecStatePanicked:
		return Judgement{Verdict: conformance.Error, Reason: "the check panicked: " + OneLine(spec.Failure.ForwardedPanic)}
	case types.SpecStateInterrupted, types.SpecStateAborted:
		return Judgement{Verdict: conformance.Error, Reason: "the check was interrupted: " + message}
	case types.SpecStatePending:
		return Judgement{Verdict: conformance.Skipped, Reason: "the check is marked as pending"}
	case types.SpecStateSkipped:
		return judgeSkipped(spec, notes, filter, message)
	}
	return Judgement{Verdict: conformance.Error, Reason: "the check ended in the unknown state " + spec.State.String()}
}

func judgeSkipped(spec types.SpecReport, notes Notes, filter, message string) Judgement {
	switch {
	case notes.Unsupported != "":
		return Judgement{Verdict: conformance.NotSupported, Reason: notes.Unsupported}
	case message != "":
		return Judgement{Verdict: conformance.Skipped, Reason: message, ByChoice: notes.ByChoice}
	case !selected(spec, filter):
		return Judgement{Verdict: conformance.Skipped, Reason: "not selected: " + filter, ByChoice: true}
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
