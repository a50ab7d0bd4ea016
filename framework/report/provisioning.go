package report

import (
	"slices"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// provisioning compares the measured wall time with the critical path. The path
// is computed from the declared durations, never from measured ones: otherwise
// a slow implementation would lengthen its own yardstick.
func (b *builder) provisioning() *Provisioning {
	if len(b.begun) == 0 {
		return nil
	}
	p := &Provisioning{}
	p.CriticalPath, p.CriticalLength = criticalPath(b.plan)
	var first, last time.Time
	for _, r := range b.begun {
		if first.IsZero() || r.Time.Before(first) {
			first = r.Time
		}
	}
	for _, planned := range b.plan {
		node := Node{Name: planned.Name, After: planned.After, Expected: Duration(planned.Expected)}
		if begun, ok := b.begun[planned.Name]; ok {
			node.Start = Duration(begun.Time.Sub(first))
		}
		if ended, ok := b.ended[planned.Name]; ok {
			finished := ended.Event.(journal.NodeFinished)
			node.Took, node.Error = Duration(finished.Duration), finished.Error
			if ended.Time.After(last) {
				last = ended.Time
			}
		}
		p.ExpectedSum += node.Expected
		p.MeasuredSum += node.Took
		p.Nodes = append(p.Nodes, node)
	}
	if last.After(first) {
		p.Wall = Duration(last.Sub(first))
	}
	if p.CriticalLength > 0 {
		p.Ratio = float64(p.Wall) / float64(p.CriticalLength)
	}
	slices.SortStableFunc(p.Nodes, func(x, y Node) int { return int(x.Start - y.Start) })
	return p
}

// criticalPath gives the longest path through the graph by declared durations.
// Without any declared duration there is none. A cycle, which the provisioner
// refuses anyway, ends the path.
func criticalPath(plan []journal.PlannedNode) ([]string, Duration) {
	nodes := map[string]journal.PlannedNode{}
	for _, n := range plan {
		nodes[n.Name] = n
	}
	type longest struct {
		length time.Duration
		path   []string
	}
	done := map[string]longest{}
	var visit func(name string) longest
	visit = func(name string) longest {
		if known, ok := done[name]; ok {
			return known
		}
		done[name] = longest{}
		var best longest
		for _, before := range nodes[name].After {
			if l := visit(before); l.length > best.length {
				best = l
			}
		}
		here := longest{best.length + nodes[name].Expected, append(slices.Clone(best.path), name)}
		done[name] = here
		return here
	}
	var best longest
	for _, n := range plan {
		if l := visit(n.Name); l.length > best.length {
			best = l
		}
	}
	// Nodes without a declared duration add nothing to the path's explanation.
	best.path = slices.DeleteFunc(best.path, func(name string) bool { return nodes[name].Expected == 0 })
	return best.path, Duration(best.length)
}
