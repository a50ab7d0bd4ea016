package cluster

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

func TestFollow(t *testing.T) {
	event := func(namespace, kind, reason string) *corev1.Event {
		return &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: namespace}, InvolvedObject: corev1.ObjectReference{Kind: kind}, Reason: reason}
	}
	results := make(chan watch.Event, 10)
	for _, e := range []watch.Event{
		{Type: watch.Added, Object: event("wlif-r1-tutorial", "Pod", "Scheduled")},
		{Type: watch.Modified, Object: event("wlif-r1-tutorial", "Pod", "Again")},
		{Type: watch.Deleted, Object: event("wlif-r1-tutorial", "Pod", "gone")},
		{Type: watch.Added, Object: event("wlif-r10-tutorial", "Pod", "of another run")},
		{Type: watch.Added, Object: event("default", "Node", "NodeReady")},
		{Type: watch.Added, Object: event("default", "Pod", "of somebody")},
		{Type: watch.Error, Object: &metav1.Status{Reason: metav1.StatusReasonForbidden, Message: "may not watch"}},
	} {
		results <- e
	}
	close(results)
	var told []string
	err := follow(results, "wlif-r1-", func(e corev1.Event) { told = append(told, e.Reason) })
	if want := []string{"Scheduled", "Again", "NodeReady"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if err == nil || !strings.Contains(err.Error(), "may not watch") {
		t.Errorf("error %v", err)
	}
}

func TestEventTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, e := range map[string]corev1.Event{
		"last":    {LastTimestamp: metav1.NewTime(at), FirstTimestamp: metav1.NewTime(at.Add(-time.Hour))},
		"event":   {EventTime: metav1.NewMicroTime(at)},
		"first":   {FirstTimestamp: metav1.NewTime(at)},
		"created": {ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(at)}},
	} {
		if got := EventTime(e); !got.Equal(at) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
