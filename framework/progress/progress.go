// Package progress writes what the provisioner tells of its work into a run's
// journal, in the suite and in the launcher alike.
package progress

import (
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// Writer is the part of a journal that is needed here. A failing journal is
// remembered by it and reported at the end of the run.
type Writer interface {
	Write(event journal.Event) error
}

// Planned describes the graph that a configuration leads to, with its critical
// path.
func Planned(cfg *config.Config) (journal.Planned, error) {
	graph, err := provision.Plan(cfg)
	if err != nil {
		return journal.Planned{}, err
	}
	path := graph.CriticalPath(provision.Usual(cfg))
	planned := journal.Planned{CriticalPath: path.Steps, Length: path.Length, Sum: path.Sum}
	for _, step := range graph.Steps() {
		planned.Nodes = append(planned.Nodes, journal.PlannedNode{Name: step.Name, After: step.Needs})
	}
	return planned, nil
}

// Watch writes when what the cloud charges for was made, and when it is gone.
func Watch(w Writer, l *provision.Ledger) {
	l.Watch(func(r provision.Record) {
		if paid := provision.Charged(r.Kind); len(paid) > 0 {
			_ = w.Write(journal.ResourceMade{Type: r.Kind, ID: r.ID, Name: r.Name, For: paid})
		}
	}, func(r provision.Record) {
		if len(provision.Charged(r.Kind)) > 0 {
			_ = w.Write(journal.ResourceGone{Type: r.Kind, ID: r.ID})
		}
	})
}

// Listener writes the provisioner's events.
func Listener(w Writer) provision.Listener {
	return func(e provision.Event) {
		if event := translate(e); event != nil {
			_ = w.Write(event)
		}
	}
}

func translate(e provision.Event) journal.Event {
	phase := journal.Create
	switch {
	case e.Phase == provision.PhaseTeardown:
		phase = journal.Delete
	case e.Kind == provision.KindLookup:
		phase = journal.LookUp
	}
	switch e.Type {
	case provision.StepStarted:
		return journal.NodeStarted{Phase: phase, Node: e.Step, Usual: e.Usual}
	case provision.StepWaiting:
		return journal.NodeWaiting{Phase: phase, Node: e.Step, Text: e.Text}
	case provision.StepDone, provision.StepFailed:
		finished := journal.NodeFinished{Phase: phase, Node: e.Step, ID: e.ID, Duration: e.Elapsed}
		if e.Err != nil {
			finished.Error = e.Err.Error()
		}
		return finished
	}
	return nil
}
