package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// rightsPoll is how often is asked whether rights are in force.
const rightsPoll = time.Second

// WaitsForRights begins the words of a step that was refused because roles may not
// be in force yet. They may take minutes, which nobody who looks expects.
const WaitsForRights = "refused until roles are in force"

// doing is a Step's Do.
type doing func(ctx context.Context, report func(string)) (id string, err error)

// inForce repeats what is refused because roles that were granted a moment ago
// are not in force yet, until timeout.propagation has passed. Every attempt is a
// creation of its own, with its own record and idempotency key.
//
// How the cloud says so is not documented. Users put sleeps between the role and
// the cluster (sleep_after of Terraform's yandex_resourcemanager_folder_iam_member)
// because of a FAILED_PRECONDITION, which can have other causes too: those are
// found out a little later.
func (p *plan) inForce(create doing) doing {
	return func(ctx context.Context, report func(string)) (string, error) {
		limit := p.cfg.Timeouts.Propagation.D()
		began := time.Now()
		for attempt := 1; ; attempt++ {
			id, err := create(ctx, report)
			waited := time.Since(began)
			switch {
			case err == nil && attempt > 1:
				report(fmt.Sprintf("accepted at attempt %d; the whole step took %s", attempt, waited.Round(time.Millisecond)))
				return id, nil
			case !refusedForNow(err):
				return id, err
			case waited+rightsPoll > limit:
				return id, fmt.Errorf("%w; it was asked for %s in vain, in case a role was not in force yet (configuration key timeout.propagation)", err, limit)
			}
			report(fmt.Sprintf("%s, attempt %d, for at most %s (timeout.propagation): %v", WaitsForRights, attempt, limit, err))
			if !pause(ctx, rightsPoll) {
				return id, errors.Join(err, context.Cause(ctx))
			}
		}
	}
}

// refusedForNow reports whether a call was refused because of the state that
// something else is in. An operation that was accepted and failed is not: what it
// made is there.
func refusedForNow(err error) bool {
	var e *cloud.Error
	return errors.As(err, &e) && e.Code == codes.FailedPrecondition && e.OperationID == ""
}
