package nodeagent

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// retry calls f until it succeeds, ctx ends, or the object is not there (any more).
// A node must outlive a restart of its API server.
func (a *Agent) retry(ctx context.Context, what string, f func(context.Context) error) {
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		err := f(ctx)
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || ctx.Err() != nil {
			return
		}
		if delay == lastRetry {
			a.log.Printf("%s: %v", what, err)
		}
		if !wait(ctx, delay) {
			return
		}
	}
}

// wait is false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
