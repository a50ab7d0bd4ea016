package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

const (
	// settlePoll is how often a change is looked at while it spreads. Where it has
	// little time to do so, it is looked at settleLooks times, if it is there, and more
	// and more seldom while it is not, down to settlePoll: looking costs both sides.
	settlePoll  = 150 * time.Millisecond
	settleLooks = 200
	// inARow is how often it must have been seen without a break: the servers behind
	// one address do not all learn of it at once.
	inARow = 3
)

// Settle waits until a change has taken effect everywhere: probe must return nil
// several times in a row within timeout.propagation. What the last probe said is
// the failure, and an ERROR if it says nothing about the target. How long it took
// is measured under the name what ("a role is granted").
func (r *Run) Settle(ctx context.Context, what string, probe func(context.Context) error) {
	ginkgo.GinkgoHelper()
	check.NoError(r.Settled(ctx, what, probe), what)
}

// Settled is Settle for a change that a check only stands on: the caller says what
// it means that the change does not take effect.
func (r *Run) Settled(ctx context.Context, what string, probe func(context.Context) error) error {
	limit := r.Config.Timeouts.Propagation.D()
	var (
		began = time.Now()
		first time.Duration
		seen  int
		last  error
		every = min(settlePoll, limit/settleLooks)
		again = lookAgain{after: every}
	)
	failure := gomega.InterceptGomegaFailure(func() {
		gomega.Eventually(ctx, func(ctx context.Context) (int, error) {
			if !again.due(time.Now()) {
				return seen, inVain(last)
			}
			if last = probe(ctx); last != nil {
				seen = 0
				again.later(time.Now())
				return seen, inVain(last)
			}
			if seen == 0 {
				first = time.Since(began)
			}
			seen++
			return seen, nil
		}).WithTimeout(limit).WithPolling(every).Should(gomega.BeNumerically(">=", inARow))
	})
	if failure != nil {
		return fmt.Errorf("waited for %s at most (timeout.propagation) until it is so %d times in a row: %w", limit, inARow, cmp.Or(last, failure))
	}
	check.Measure(what, first)
	return nil
}

// lookAgain says when something that was not there is looked at again.
type lookAgain struct {
	at    time.Time
	after time.Duration
}

func (l *lookAgain) due(now time.Time) bool { return !now.Before(l.at) }

// later doubles the pause, up to settlePoll.
func (l *lookAgain) later(now time.Time) {
	l.at = now.Add(l.after)
	l.after = min(2*l.after, settlePoll)
}

// inVain stops the wait for an answer that no change of rights makes another:
// one in no documented form.
func inVain(err error) error {
	var unexpected *exchange.UnexpectedError
	if errors.As(err, &unexpected) {
		return gomega.StopTrying("asking again cannot help").Wrap(err)
	}
	return nil
}
