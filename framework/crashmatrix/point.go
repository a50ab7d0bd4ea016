package crashmatrix

import (
	"fmt"
	"strings"
)

// Victim is who is killed.
type Victim string

// The victims.
const (
	// Group is every process of the run. Nobody cleans up: the sweep must.
	Group Victim = "the whole group"
	// Launcher leaves the suite behind, which must end and clean up by itself.
	Launcher Victim = "the launcher alone"
	// Process is the suite's first one, which makes and deletes the target. The
	// launcher must notice, clean up and report.
	Process Victim = "one Ginkgo process alone"
)

// Victims lists them.
func Victims() []Victim { return []Victim{Group, Launcher, Process} }

// Point is a moment at which a run is killed.
type Point struct {
	// N is the number of the call in the run that is killed nowhere, from 1.
	N int
	// Method and Call tell it in every other run: calls that are made at the same
	// time come in another order each time. Call counts those of the method, from 1.
	Method string
	Call   int
	// After is the moment between execution and answer; else it is that before the
	// execution.
	After  bool
	Victim Victim
}

// Points are those of a run that made mutating calls of these methods.
func Points(methods []string) []Point {
	var out []Point
	count := map[string]int{}
	for i, method := range methods {
		count[method]++
		for _, after := range []bool{false, true} {
			for _, victim := range Victims() {
				out = append(out, Point{N: i + 1, Method: method, Call: count[method], After: after, Victim: victim})
			}
		}
	}
	return out
}

// Sample takes n of the points, evenly and the same each time; all if n is 0 or
// there are no more. The step is prime to the six points of a call, so that neither
// one moment nor one victim is taken alone.
func Sample(points []Point, n int) []Point {
	if n <= 0 || n >= len(points) {
		return points
	}
	step := len(points) / n
	for step > 1 && (step%2 == 0 || step%3 == 0) {
		step--
	}
	out := make([]Point, n)
	for i := range out {
		out[i] = points[i*step]
	}
	return out
}

// OfCluster says whether the call works on a cluster or its nodes, which then must
// really be started or ended.
func (p Point) OfCluster() bool { return strings.HasPrefix(p.Method, "yandex.cloud.k8s.v1.") }

// OfTeardown says whether the call is one of those that delete what the run made. They
// run side by side, and what the cloud has begun to delete it deletes, whoever asked.
func (p Point) OfTeardown() bool { return strings.HasSuffix(p.Method, "/Delete") }

// Moment is "before" or "after".
func (p Point) Moment() string {
	if p.After {
		return "after"
	}
	return "before"
}

// Call as people say it: "vpc.v1.NetworkService/Create, the 2nd".
func (p Point) call() string {
	return fmt.Sprintf("%s #%d", strings.TrimPrefix(p.Method, "yandex.cloud."), p.Call)
}

func (p Point) String() string {
	return fmt.Sprintf("%3d %s %s, %s", p.N, p.Moment(), p.call(), p.Victim)
}
