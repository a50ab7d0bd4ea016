package run

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// FollowEvents journals what the target's cluster says of the run's namespaces and of
// nodes, for the report, until the returned function is called. A cluster that does
// not let the run read events is no failure.
func (r *Run) FollowEvents(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the set-up is over before
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Cluster.Events(ctx, r.Config.NamespacePrefix+"-"+r.Info.RunID+"-", r.happened); err != nil {
			_ = r.Journal.Write(journal.Log{Level: "info", Text: err.Error()})
		}
	}()
	return func() { cancel(); <-done }
}

func (r *Run) happened(e corev1.Event) {
	_ = r.Journal.Write(journal.Happened{
		At: cluster.EventTime(e), Of: e.InvolvedObject.Kind, Namespace: e.InvolvedObject.Namespace, Name: e.InvolvedObject.Name,
		Warning: e.Type == corev1.EventTypeWarning, Reason: e.Reason, Text: e.Message,
	})
}
