package provision

import "time"

// EventType says what happened to a step.
type EventType string

// What happens to a step, in this order.
const (
	StepStarted EventType = "started"
	// StepWaiting comes any number of times; Text says what is waited for.
	StepWaiting EventType = "waiting"
	StepDone    EventType = "done"
	StepFailed  EventType = "failed"
)

// Phases of a run that events belong to.
const (
	PhaseProvision = "provision"
	PhaseTeardown  = "teardown"
)

// Event is a change of one step.
type Event struct {
	Type  EventType
	Phase string
	// Step and Kind are the step's ("cluster", "k8s.cluster").
	Step, Kind string
	// ID is the resource's, once it is known.
	ID string
	// Text says what is waited for.
	Text string
	// Elapsed is the time since the step started; Usual is what it usually takes
	// (0: nobody knows).
	Elapsed, Usual time.Duration
	Err            error
}

// Listener is told of events. It is called from several goroutines at once and
// must be quick.
type Listener func(Event)
