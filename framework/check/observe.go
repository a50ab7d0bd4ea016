package check

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"
	rpccode "google.golang.org/genproto/googleapis/rpc/code" // names codes as the API's documentation does

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

// Names under which ObserveAnswer notes an answer; `wlif report --facts` looks
// for them.
const (
	// ObservedOutcome is one of the Outcome words.
	ObservedOutcome = "outcome"
	// ObservedStatus is an HTTP status, ObservedError an OAuth error code,
	// ObservedCode a gRPC code such as NOT_FOUND, and ObservedText what the answer
	// says.
	ObservedStatus = "status"
	ObservedError  = "error"
	ObservedCode   = "code"
	ObservedText   = "text"
)

// The outcomes that ObserveAnswer tells apart.
const (
	OutcomeAccepted = "accepted"
	OutcomeRefused  = "refused"
	// OutcomeUnexpected is an answer in no documented form.
	OutcomeUnexpected = "in no documented form"
)

// Observation is something that a spec saw and nobody judges.
type Observation struct{ Name, Value string }

// Measurement is how long the target took for something, such as for a role to
// take effect.
type Measurement struct {
	What string
	Took time.Duration
}

// Observe notes behaviour for a requirement of the level RECORD, whose spec must
// do so at least once. Of several values for one name the last one stands.
func Observe(name, value string) {
	note(func() {
		i := slices.IndexFunc(present.Observations, func(o Observation) bool { return o.Name == name })
		if i < 0 {
			present.Observations = append(present.Observations, Observation{name, value})
			return
		}
		present.Observations[i].Value = value
	})
}

// ObserveAnswer notes how a call was answered: err is nil, or what a client of
// the cloud or of the token exchange returned. An engine fault is no answer and
// fails the spec as ERROR. doing says what was being done.
func ObserveAnswer(err error, doing string) {
	ginkgo.GinkgoHelper()
	if EngineFault(err) {
		NoError(err, doing)
	}
	for _, o := range answerOf(err) {
		Observe(o.Name, o.Value)
	}
}

// ObserveOutcome notes how a call was answered in one value, "refused 400
// invalid_request", for a check that notes several. Else it is ObserveAnswer.
func ObserveOutcome(name string, err error, doing string) {
	ginkgo.GinkgoHelper()
	if EngineFault(err) {
		NoError(err, doing)
	}
	var words []string
	for _, o := range answerOf(err) {
		if o.Name != ObservedText {
			words = append(words, o.Value)
		}
	}
	Observe(name, strings.Join(words, " "))
}

func answerOf(err error) []Observation {
	var (
		refusal    *exchange.Refusal
		unexpected *exchange.UnexpectedError
		fromCloud  *cloud.Error
	)
	switch {
	case err == nil:
		return []Observation{{ObservedOutcome, OutcomeAccepted}}
	case errors.As(err, &refusal):
		return []Observation{
			{ObservedOutcome, OutcomeRefused}, {ObservedStatus, strconv.Itoa(refusal.Status)},
			{ObservedError, refusal.Code}, {ObservedText, refusal.Description},
		}
	case errors.As(err, &unexpected):
		return []Observation{
			{ObservedOutcome, OutcomeUnexpected}, {ObservedStatus, strconv.Itoa(unexpected.Status)}, {ObservedText, unexpected.Reason},
		}
	case errors.As(err, &fromCloud):
		return []Observation{{ObservedOutcome, OutcomeRefused}, {ObservedCode, rpccode.Code(fromCloud.Code).String()}, {ObservedText, fromCloud.Message}} //nolint:gosec // G115: a code has two digits
	}
	return []Observation{{ObservedOutcome, OutcomeUnexpected}, {ObservedText, err.Error()}}
}

// Measure notes how long something took. The report shows the median, the 95th
// percentile and the maximum of everything that was measured under one name.
func Measure(what string, took time.Duration) {
	note(func() { present.Measurements = append(present.Measurements, Measurement{what, took}) })
}
