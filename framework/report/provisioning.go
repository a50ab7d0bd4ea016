package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// provisioning sets the measured wall time beside the critical path, which the
// provisioner computed before anything was measured.
func (b *builder) provisioning() *Provisioning {
	if len(b.begun) == 0 {
		return nil
	}
	p := &Provisioning{CriticalPath: b.plan.CriticalPath, CriticalLength: Duration(b.plan.Length), ExpectedSum: Duration(b.plan.Sum)}
	var first, last time.Time
	for _, r := range b.begun {
		if first.IsZero() || r.Time.Before(first) {
			first = r.Time
		}
	}
	for _, planned := range b.plan.Nodes {
		node := Node{Name: planned.Name, After: planned.After}
		if begun, ok := b.begun[planned.Name]; ok {
			node.Start = Duration(begun.Time.Sub(first))
			node.Expected = Duration(begun.Event.(journal.NodeStarted).Usual)
		}
		if ended, ok := b.ended[planned.Name]; ok {
			finished := ended.Event.(journal.NodeFinished)
			node.Took, node.Error = Duration(finished.Duration), finished.Error
			if ended.Time.After(last) {
				last = ended.Time
			}
		}
		p.MeasuredSum += node.Took
		p.Nodes = append(p.Nodes, node)
	}
	if last.After(first) {
		p.Wall = Duration(last.Sub(first))
	}
	if p.CriticalLength > 0 {
		p.Ratio = float64(p.Wall) / float64(p.CriticalLength)
	}
	slices.SortStableFunc(p.Nodes, func(x, y Node) int { return cmp.Compare(x.Start, y.Start) })
	return p
}
