package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// Events tells of every event (core/v1) of the cluster from now on, until ctx ends,
// which is no error: those in namespaces whose names begin with prefix, and those of
// nodes. An event that happens again is told again.
func (c *Cluster) Events(ctx context.Context, prefix string, tell func(corev1.Event)) error {
	events := c.Client.CoreV1().Events(metav1.NamespaceAll)
	list, err := events.List(ctx, metav1.ListOptions{Limit: 1})
	if err == nil {
		var w *watchtools.RetryWatcher
		// The API server ends a watch now and then; it is taken up where it ended.
		w, err = watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) { return events.Watch(ctx, o) },
		})
		if err == nil {
			defer w.Stop()
			err = follow(w.ResultChan(), prefix, tell)
		}
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("following the events of the cluster: %w", err)
	}
	return nil
}

func follow(results <-chan watch.Event, prefix string, tell func(corev1.Event)) error {
	for result := range results {
		switch event := result.Object.(type) {
		case *corev1.Event:
			if result.Type != watch.Deleted && (strings.HasPrefix(event.Namespace, prefix) || event.InvolvedObject.Kind == "Node") {
				tell(*event)
			}
		case *metav1.Status:
			return fmt.Errorf("%s (%s)", event.Message, event.Reason)
		}
	}
	return nil
}

// EventTime is when an event happened last.
func EventTime(e corev1.Event) time.Time {
	for _, at := range []time.Time{e.LastTimestamp.Time, e.EventTime.Time, e.FirstTimestamp.Time} {
		if !at.IsZero() {
			return at
		}
	}
	return e.CreationTimestamp.Time
}
