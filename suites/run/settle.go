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
	// settlePoll is how often a change is looked at while it spreads; where it has
	// little time to do so, it is looked at settleLooks times.
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
	)
	failure := gomega.InterceptGomegaFailure(func() {
		gomega.Eventually(ctx, func(ctx context.Context) (int, error) {
			if last = probe(ctx); last != nil {
				seen = 0
				return seen, inVain(last)
			}
			if seen == 0 {
				first = time.Since(began)
			}
			seen++
			return seen, nil
		}).WithTimeout(limit).WithPolling(min(settlePoll, limit/settleLooks)).Should(gomega.BeNumerically(">=", inARow))
	})
	if failure != nil {
		return fmt.Errorf("waited for %s at most (timeout.propagation) until it is so %d times in a row: %w", limit, inARow, cmp.Or(last, failure))
	}
	check.Measure(what, first)
	return nil
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
