package conformance

import "slices"

// Verdict is what a check found out about a requirement.
type Verdict string

const (
	// Pass: the target kept the requirement.
	Pass Verdict = "PASS"
	// Fail: the target broke it.
	Fail Verdict = "FAIL"
	// Error: the engine, the network, a 5xx or a prerequisite failed; nothing is
	// said about the target.
	Error Verdict = "ERROR"
	// Skipped: the check did not run. It always has a reason.
	Skipped Verdict = "SKIPPED"
	// NotSupported: the target lacks a feature that the check needs.
	NotSupported Verdict = "NOT_SUPPORTED"
	// Recorded: behaviour was noted without judgement.
	Recorded Verdict = "RECORDED"
)

// byWeight orders verdicts: in a requirement with several cases the first that
// occurs is the requirement's.
//
// A single breach is a breach whatever happened elsewhere (FAIL). Otherwise a
// case that could not be examined leaves the requirement open (ERROR, SKIPPED).
// A case that the target cannot have does not spoil the others, so
// NOT_SUPPORTED only stands when nothing else does.
var byWeight = []Verdict{Fail, Error, Skipped, Pass, Recorded, NotSupported}

// Verdicts lists all verdicts, the one that outweighs the others first.
func Verdicts() []Verdict { return slices.Clone(byWeight) }

// Valid says whether v is one of the six.
func (v Verdict) Valid() bool { return slices.Contains(byWeight, v) }

// Combine gives a requirement's verdict from those of its cases: FAIL, ERROR,
// SKIPPED, PASS, RECORDED, NOT_SUPPORTED, the first of which occurs. Without
// any case it is SKIPPED; an unknown verdict counts as ERROR.
func Combine(cases ...Verdict) Verdict {
	best := -1
	for _, v := range cases {
		weight := slices.Index(byWeight, v)
		if weight < 0 {
			weight = slices.Index(byWeight, Error)
		}
		if best < 0 || weight < best {
			best = weight
		}
	}
	if best < 0 {
		return Skipped
	}
	return byWeight[best]
}
