package exchanging

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// Do makes one exchange, bounded by timeout.exchange.
func Do(ctx context.Context, form url.Values) (exchange.Response, error) {
	remember(form)
	return bounded(ctx, func(ctx context.Context) (exchange.Response, error) {
		return run.Current().Exchange().Exchange(ctx, form)
	})
}

// Send makes one request that may not be the documented one, bounded likewise.
func Send(ctx context.Context, method, contentType, content string) (exchange.Response, error) {
	return bounded(ctx, func(ctx context.Context) (exchange.Response, error) {
		return run.Current().Exchange().Send(ctx, method, contentType, content)
	})
}

func bounded(ctx context.Context, call func(context.Context) (exchange.Response, error)) (exchange.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, run.Current().Config.Timeouts.Exchange.D())
	defer cancel()
	return call(ctx)
}

// Settles demands that an exchange is accepted, several times in a row, within
// timeout.propagation; what names the change that is waited for (Run.Settle).
func Settles(ctx context.Context, what string, form url.Values) {
	ginkgo.GinkgoHelper()
	check.NoError(Settled(ctx, what, form), what)
}

// Settled is Settles for a change that a check only stands on.
func Settled(ctx context.Context, what string, form url.Values) error {
	return explained(ctx, run.Current().Settled(ctx, what, func(ctx context.Context) error {
		_, err := Do(ctx, form)
		return err
	}), form)
}

// RefusalProbe is an exchange for Run.Settle: it holds when it is refused as
// documented.
func RefusalProbe(form url.Values) func(context.Context) error {
	return func(ctx context.Context) error { return refusal(Do(ctx, form)) }
}

// Accepted demands that an exchange succeeds. A refusal is the target's failure.
func Accepted(ctx context.Context, form url.Values) exchange.Response {
	ginkgo.GinkgoHelper()
	response, err := Do(ctx, form)
	check.NoError(explained(ctx, err, form), "exchanging a token that meets every condition")
	return response
}

// Twin is the positive control of a negative check: the same request without the
// one change. If it does not pass, the check means nothing, and is an ERROR.
func Twin(ctx context.Context, form url.Values) exchange.Response {
	ginkgo.GinkgoHelper()
	run.Step("the twin: the request without the change is accepted")
	response, err := Do(ctx, form)
	check.Prerequisite(explained(ctx, err, form), "the twin, which differs from the check in the one changed thing alone")
	return response
}

// Refused demands that an exchange is refused as documented: a 4xx with an OAuth
// error and no token. changed says what the one change is ("aud is another URL").
func Refused(ctx context.Context, form url.Values, changed string) exchange.Refusal {
	ginkgo.GinkgoHelper()
	run.Step("refused: " + changed)
	response, err := Do(ctx, form)
	return MustRefuse(response, err, changed)
}

// MustRefuse is Refused for an answer that is there already. What is documented of
// a refusal is its class alone, so the answer is noted, too.
func MustRefuse(response exchange.Response, err error, changed string) exchange.Refusal {
	ginkgo.GinkgoHelper()
	doing := "exchanging, although " + changed
	check.NoError(refusal(response, err), doing)
	check.ObserveAnswer(err, doing)
	var refused *exchange.Refusal
	errors.As(err, &refused)
	return *refused
}

// MustTurnAway demands less than MustRefuse: a 4xx without an IAM token, whatever
// its form. It is for requests that need not get as far as the token endpoint's own
// code.
func MustTurnAway(response exchange.Response, err error, changed string) {
	ginkgo.GinkgoHelper()
	var unexpected *exchange.UnexpectedError
	if errors.As(err, &unexpected) && unexpected.Status >= http.StatusBadRequest && !unexpected.Token {
		check.ObserveAnswer(err, "exchanging, although "+changed)
		return
	}
	MustRefuse(response, err, changed)
}

// refusal is nil if an answer is a refusal, and says what it is otherwise.
func refusal(response exchange.Response, err error) error {
	var refused *exchange.Refusal
	switch {
	case err == nil:
		id := ""
		if response.RequestID != "" {
			id = " (request id " + response.RequestID + ")"
		}
		return fmt.Errorf("the token endpoint issued an IAM token; it must refuse with a 4xx%s", id)
	case errors.As(err, &refused):
		return nil
	}
	return err
}
