package provision

import (
	"time"
)

// Durations says how long methods take, by full gRPC method name without the
// leading slash; "*" stands for every method that is not named.
type Durations map[string]time.Duration

func (d Durations) of(methods []string) time.Duration {
	var sum time.Duration
	for _, m := range methods {
		if v, ok := d[m]; ok {
			sum += v
		} else {
			sum += d["*"]
		}
	}
	return sum
}

// Path is the critical path of a graph: the chain of steps that no amount of
// parallelism can make shorter.
type Path struct {
	// Steps are its steps, first to last.
	Steps []string `json:"steps"`
	// Length is the sum of their durations; Sum that of all steps of the graph.
	Length time.Duration `json:"length_ns"`
	Sum    time.Duration `json:"sum_ns"`
}

// CriticalPath computes the path from given durations, not from measured ones.
// Of several paths of the same length the one found first, in the order of the
// steps, is named.
func (g *Graph) CriticalPath(d Durations) Path {
	end := make([]time.Duration, len(g.steps))
	before := make([]int, len(g.steps))
	last, p := -1, Path{}
	for _, i := range g.order() {
		before[i] = -1
		for _, need := range g.steps[i].Needs {
			n := g.index[need]
			if before[i] < 0 || end[n] > end[before[i]] {
				before[i] = n
			}
		}
		own := d.of(g.steps[i].Methods)
		p.Sum += own
		end[i] = own
		if before[i] >= 0 {
			end[i] += end[before[i]]
		}
		if last < 0 || end[i] > end[last] {
			last = i
		}
	}
	for i := last; i >= 0; i = before[i] {
		p.Steps = append([]string{g.steps[i].Name}, p.Steps...)
	}
	if last >= 0 {
		p.Length = end[last]
	}
	return p
}

// Timing is the critical path beside what was measured.
type Timing struct {
	Critical Path          `json:"critical_path"`
	Measured time.Duration `json:"measured_ns"`
	// Ratio is Measured / Critical.Length, 0 if the latter is 0.
	Ratio float64 `json:"ratio"`
	Spans []Span  `json:"spans"`
}

func newTiming(g *Graph, d Durations, spans []Span) Timing {
	t := Timing{Critical: g.CriticalPath(d), Spans: spans}
	for _, s := range spans {
		t.Measured = max(t.Measured, s.End)
	}
	if t.Critical.Length > 0 {
		t.Ratio = float64(t.Measured) / float64(t.Critical.Length)
	}
	return t
}
