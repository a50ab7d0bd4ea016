package calling

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2"
	rpccode "google.golang.org/genproto/googleapis/rpc/code" // names codes as the API's documentation does
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// anyRefusal are the codes of a request that is refused for what it is, where the
// documentation does not say which.
var anyRefusal = []codes.Code{
	codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.FailedPrecondition, codes.OutOfRange,
}

// Refused demands that a call was refused, with one of the codes if any are given,
// else with any that a 4xx stands for; which one it was is then noted. changed says
// what the one change from a call that passes is ("the name has a capital letter").
func Refused(err error, changed string, want ...codes.Code) {
	ginkgo.GinkgoHelper()
	check.NoError(Refusal(err, want...), "calling, although "+changed)
	if len(want) == 0 {
		Observed(err)
	}
}

// Observed notes how a call was refused, by an account that a check made, too, whose
// missing right is no fault of the run's.
func Observed(err error) {
	var refused *cloud.Error
	if errors.As(err, &refused) {
		check.Observe(check.ObservedOutcome, check.OutcomeRefused)
		check.Observe(check.ObservedCode, name(refused.Code))
		check.Observe(check.ObservedText, refused.Message)
	}
}

// Refuse is Refused for a call that is yet to be made.
func Refuse(call func() error, changed string, want ...codes.Code) {
	ginkgo.GinkgoHelper()
	run.Step("refused: " + changed)
	Refused(call(), changed, want...)
}

// Refusal is nil if a call was refused as Refused demands, and says what came of it
// otherwise. It is for probes of Run.Settle.
func Refusal(err error, want ...codes.Code) error {
	if len(want) == 0 {
		want = anyRefusal
	}
	var answered *cloud.Error
	switch {
	case err == nil:
		return fmt.Errorf("the call was accepted; it must be refused with %s", names(want))
	case !errors.As(err, &answered):
		return err
	case slices.Contains(want, answered.Code):
		return nil
	}
	var wrong *wrongAnswer
	if err = Judged(err); errors.As(err, &wrong) {
		return fmt.Errorf("%w; it must be refused with %s", err, names(want))
	}
	return err
}

// wrongAnswer is an answer that is the target's own. It does not unwrap to the
// *cloud.Error, which package check may take for a right that the run lacks.
type wrongAnswer struct{ text string }

func (w *wrongAnswer) Error() string { return w.text }

// Judged makes of an answer to an account that a check made the target's own, a
// refusal of rights or of the token among them. No answer, a failing server and
// throttling stay what they are.
func Judged(err error) error {
	var answered *cloud.Error
	if !errors.As(err, &answered) {
		return err
	}
	switch answered.Class {
	case cloud.ClassTransport, cloud.ClassRetryable, cloud.ClassQuota:
		return err
	}
	plain := *answered
	plain.Hint = "" // is about the run's own account
	return &wrongAnswer{plain.Error()}
}

func name(code codes.Code) string { return rpccode.Code(code).String() } //nolint:gosec // G115: a code has two digits

func names(all []codes.Code) string {
	var out []string
	for _, code := range all {
		out = append(out, name(code))
	}
	return strings.Join(out, " or ")
}
