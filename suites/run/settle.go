package run

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
)

const (
	// settlePoll is how often a change is looked at while it spreads.
	settlePoll = 150 * time.Millisecond
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
	limit := r.Config.Timeouts.Propagation.D()
	var (
		began = time.Now()
		first time.Duration
		seen  int
		last  error
	)
	failure := gomega.InterceptGomegaFailure(func() {
		gomega.Eventually(ctx, func(ctx context.Context) int {
			last = probe(ctx)
			if last != nil {
				seen = 0
				return seen
			}
			if seen == 0 {
				first = time.Since(began)
			}
			seen++
			return seen
		}).WithTimeout(limit).WithPolling(settlePoll).Should(gomega.BeNumerically(">=", inARow))
	})
	if failure != nil {
		check.NoError(cmp.Or(last, failure), fmt.Sprintf("%s: waited for %s (timeout.propagation) until it is so %d times in a row", what, limit, inARow))
	}
	check.Measure(what, first)
}
