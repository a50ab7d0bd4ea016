package exchanging

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/trust"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// explained adds to a refusal what the token says, without the token, beside what
// the cloud knows of the account that it is for, and the first difference.
func explained(ctx context.Context, err error, form url.Values) error {
	var refused *exchange.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, run.Current().Config.Timeouts.Call.D())
	defer cancel()
	question := trust.Question{Cloud: run.Current().Cloud, ServiceAccountID: form.Get("audience")}
	found, unclear := question.Explain(ctx, exchange.Token(form.Get("subject_token")), time.Now())
	if unclear != nil {
		return fmt.Errorf("%w; why cannot be said: %w", err, withoutClass{unclear})
	}
	return fmt.Errorf("%w; %s", err, found)
}

// withoutClass keeps an error's words alone: that a refusal cannot be explained makes
// it no fault of the engine.
type withoutClass struct{ error }
