package provision

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
)

// Step is a node of a graph: something to do once other steps are done.
type Step struct {
	// Name is unique in its graph; Needs are the names of other steps.
	Name  string
	Needs []string
	// Kind is the kind of resource it is about ("vpc.network").
	Kind string
	// Methods are the full gRPC method names, without the leading slash, that the
	// step calls one after the other. They are what its expected duration is
	// computed from.
	Methods []string
	// Timeout bounds the step; TimeoutKey is the configuration key that sets it.
	Timeout    time.Duration
	TimeoutKey string
	// Do does it and returns the id of what came of it. report may be called to
	// say what is being waited for.
	Do func(ctx context.Context, report func(text string)) (id string, err error)
}

// Graph is a set of steps without cycles.
type Graph struct {
	steps []Step
	index map[string]int
}

// NewGraph refuses duplicate names, needs that nobody provides, and cycles.
func NewGraph(steps ...Step) (*Graph, error) {
	g := &Graph{steps: steps, index: map[string]int{}}
	for i, s := range steps {
		if _, twice := g.index[s.Name]; twice {
			return nil, fmt.Errorf("building the graph: two steps are named %q", s.Name)
		}
		g.index[s.Name] = i
	}
	for _, s := range steps {
		for _, need := range s.Needs {
			if _, ok := g.index[need]; !ok {
				return nil, fmt.Errorf("building the graph: step %q needs %q, which no step is", s.Name, need)
			}
		}
	}
	if loop := g.cycle(); loop != nil {
		return nil, fmt.Errorf("building the graph: the steps %s need each other", strings.Join(loop, ", "))
	}
	return g, nil
}

// Steps returns the steps in the order they were given.
func (g *Graph) Steps() []Step { return append([]Step(nil), g.steps...) }

// order sorts the steps so that each comes after what it needs (Kahn); steps
// that are part of a cycle are left out.
func (g *Graph) order() []int {
	missing := make([]int, len(g.steps))
	dependents := g.dependents()
	var ready, out []int
	for i, s := range g.steps {
		if missing[i] = len(s.Needs); missing[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		i := ready[0]
		ready, out = ready[1:], append(out, i)
		for _, d := range dependents[i] {
			if missing[d]--; missing[d] == 0 {
				ready = append(ready, d)
			}
		}
	}
	return out
}

func (g *Graph) dependents() [][]int {
	out := make([][]int, len(g.steps))
	for i, s := range g.steps {
		for _, need := range s.Needs {
			out[g.index[need]] = append(out[g.index[need]], i)
		}
	}
	return out
}

func (g *Graph) cycle() []string {
	ordered := map[int]bool{}
	for _, i := range g.order() {
		ordered[i] = true
	}
	var names []string
	for i, s := range g.steps {
		if !ordered[i] {
			names = append(names, s.Name)
		}
	}
	sort.Strings(names)
	return names
}

// Span is what one step took. Start and End are offsets from the graph's start.
type Span struct {
	Step  string        `json:"step"`
	Kind  string        `json:"kind"`
	ID    string        `json:"id,omitempty"`
	Start time.Duration `json:"start_ns"`
	End   time.Duration `json:"end_ns"`
	// Err is empty for a step that was done.
	Err string `json:"error,omitempty"`
}

// runOptions say how a graph is run.
type runOptions struct {
	phase string
	usual Durations
	on    Listener
	// keepGoing runs the steps that depend on a failed one all the same, and lets
	// the others finish: what a teardown wants. Otherwise the first failure stops
	// everything.
	keepGoing bool
}

// result of one step.
type result struct {
	step int
	id   string
	err  error
}

// run runs every step as soon as what it needs is done, and returns when nothing
// runs any more. The error joins all steps' errors.
func (g *Graph) run(ctx context.Context, o runOptions) ([]Span, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &running{g: g, o: o, began: time.Now(), spans: make([]Span, len(g.steps)), done: make(chan result),
		missing: make([]int, len(g.steps)), dependents: g.dependents()}
	for i, s := range g.steps {
		if r.missing[i] = len(s.Needs); r.missing[i] == 0 {
			r.start(ctx, i)
		}
	}
	var errs []error
	for r.active > 0 {
		res := <-r.done
		r.finish(res)
		if res.err != nil {
			// What was stopped because of the first failure is no news.
			if o.keepGoing || len(errs) == 0 || !errors.Is(res.err, ctx.Err()) && !errors.Is(res.err, context.Cause(ctx)) {
				errs = append(errs, res.err)
			}
			if !o.keepGoing {
				stop(errStopped)
			}
		}
		if ctx.Err() != nil && !o.keepGoing {
			continue
		}
		for _, d := range r.dependents[res.step] {
			if r.missing[d]--; r.missing[d] == 0 {
				r.start(ctx, d)
			}
		}
	}
	if len(errs) == 0 && r.finished < len(g.steps) && ctx.Err() != nil {
		errs = append(errs, context.Cause(ctx))
	}
	return r.spans, errors.Join(errs...)
}

// errStopped ends the steps that run when another one fails.
var errStopped = errors.New("stopped because another step failed")

// running is the state of one run; only the goroutine of run touches it.
type running struct {
	g          *Graph
	o          runOptions
	began      time.Time
	spans      []Span
	missing    []int
	dependents [][]int
	active     int
	finished   int
	done       chan result
}

func (r *running) start(ctx context.Context, i int) {
	s := r.g.steps[i]
	r.active++
	r.spans[i] = Span{Step: s.Name, Kind: s.Kind, Start: time.Since(r.began)}
	r.emit(i, Event{Type: StepStarted})
	report := func(text string) { r.emit(i, Event{Type: StepWaiting, Text: text}) }
	go func() {
		id, err := do(ctx, s, report)
		r.done <- result{i, id, err}
	}()
}

func do(ctx context.Context, s Step, report func(string)) (string, error) {
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.Timeout, &TimeoutError{Step: s.Name, After: s.Timeout, Key: s.TimeoutKey})
		defer cancel()
	}
	return s.Do(ctx, report)
}

func (r *running) finish(res result) {
	r.active--
	span := &r.spans[res.step]
	span.End, span.ID = time.Since(r.began), res.id
	if res.err != nil {
		span.Err = res.err.Error()
		r.emit(res.step, Event{Type: StepFailed, ID: res.id, Err: res.err})
		return
	}
	r.finished++
	r.emit(res.step, Event{Type: StepDone, ID: res.id})
}

// emit fills in what is the same for every event of a step. Spans of a step are
// written before it starts and after it ends, so reading Start is no race.
func (r *running) emit(i int, e Event) {
	if r.o.on == nil {
		return
	}
	s := r.g.steps[i]
	e.Phase, e.Step, e.Kind, e.Usual = r.o.phase, s.Name, s.Kind, r.o.usual.of(s.Methods)
	e.Elapsed = time.Since(r.began) - r.spans[i].Start
	r.o.on(e)
}

// TimeoutError is a named timeout that passed.
type TimeoutError struct {
	Step  string
	After time.Duration
	// Key is the configuration key that sets it.
	Key string
}

func (e *TimeoutError) Error() string {
	s := fmt.Sprintf("%s took longer than %s", e.Step, e.After)
	if e.Key != "" {
		s += " (configuration key " + e.Key + ")"
	}
	return s
}
