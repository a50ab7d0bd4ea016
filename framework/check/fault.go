package check

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/keyset"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
)

// EngineFault says whether an error tells nothing about the target's behaviour:
// the network, a timeout, a 5xx, throttling, a quota, or rights that the
// harness's own account lacks.
func EngineFault(err error) bool {
	var (
		fromCloud *cloud.Error
		transport *exchange.TransportError
		server    *exchange.ServerError
		page      *exchange.PageError
		session   *workload.SessionError
		document  *keyset.UnavailableError
	)
	switch {
	case errors.As(err, &fromCloud):
		switch fromCloud.Class {
		case cloud.ClassTransport, cloud.ClassRetryable, cloud.ClassQuota, cloud.ClassPermission, cloud.ClassUnauthenticated:
			return true
		}
		return false
	case errors.As(err, &transport), errors.As(err, &server), errors.As(err, &page), errors.As(err, &session), errors.As(err, &document):
		return true
	}
	return cluster.EngineFault(err)
}

// permanent says whether asking again cannot change the answer.
func permanent(err error) bool {
	var fromCloud *cloud.Error
	if errors.As(err, &fromCloud) {
		return fromCloud.Permanent() && fromCloud.Class != cloud.ClassNotFound
	}
	return cluster.Permanent(err)
}

// present is what is known of the spec that is running.
var present struct {
	mu sync.Mutex
	Notes
}

// Notes are what a spec left for its verdict.
type Notes struct {
	// Fault is a failure that says nothing about the target.
	Fault string
	// Unsupported says which feature the target lacks.
	Unsupported string
	// ByChoice: the spec was left out as the user asked.
	ByChoice bool
	// Observations and Measurements are in the order in which they were made.
	Observations []Observation
	Measurements []Measurement
}

// Take returns the notes of the spec that ended and forgets them.
func Take() Notes {
	present.mu.Lock()
	defer present.mu.Unlock()
	notes := present.Notes
	present.Notes = Notes{}
	return notes
}

func note(set func()) {
	present.mu.Lock()
	defer present.mu.Unlock()
	set()
}

// fault notes that what the spec is doing says nothing about the target; "" takes it
// back. What comes after a failure, such as a cleanup, changes nothing of its kind.
func fault(message string) {
	if !ginkgo.CurrentSpecReport().Failed() {
		note(func() { present.Fault = message })
	}
}

// NoError fails the spec if err is set: as ERROR if it is an engine fault, else
// as FAIL. doing says what was being done ("reading the federation").
func NoError(err error, doing string) {
	ginkgo.GinkgoHelper()
	if err == nil {
		return
	}
	message := fmt.Sprintf("%s: %v", doing, err)
	if EngineFault(err) {
		fault(message)
	}
	ginkgo.Fail(message)
}

// Prerequisite fails the spec as ERROR if err is set, whatever the error is:
// what the check needs could not be had, so that nothing is known.
func Prerequisite(err error, doing string) {
	ginkgo.GinkgoHelper()
	if err == nil {
		return
	}
	message := fmt.Sprintf("%s: %v", doing, err)
	fault(message)
	ginkgo.Fail(message)
}

// Needs skips the spec as NOT_SUPPORTED if the target lacks the feature.
func Needs(feature conformance.Feature, has bool, reason string) {
	ginkgo.GinkgoHelper()
	if has {
		return
	}
	message := fmt.Sprintf("the target lacks %s: %s", feature, reason)
	note(func() { present.Unsupported = message })
	ginkgo.Skip(message)
}

// LeaveOut skips the spec because the user asked for it.
func LeaveOut(reason string) {
	ginkgo.GinkgoHelper()
	note(func() { present.ByChoice = true })
	ginkgo.Skip(reason)
}

// Poll makes a getter for Eventually out of a call. It remembers whether the
// last answer was an engine fault, so that waiting in vain for a server that
// does not answer is an ERROR, and stops at an error that asking again cannot
// change.
func Poll[T any](call func(context.Context) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		value, err := call(ctx)
		if EngineFault(err) {
			fault(err.Error())
		} else {
			fault("")
		}
		var signal gomega.PollingSignalError
		if err != nil && permanent(err) && !errors.As(err, &signal) {
			return value, gomega.StopTrying("asking again cannot help").Wrap(err)
		}
		return value, err
	}
}
