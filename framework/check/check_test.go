package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2/types"
	"github.com/onsi/gomega"
	"google.golang.org/grpc/codes"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/keyset"
	"github.com/wlif-conformance/wlif-conformance/framework/workload"
)

func answered(code codes.Code, class cloud.Class) error {
	return fmt.Errorf("reading: %w", &cloud.Error{Method: "m", Code: code, Class: class})
}

func TestEngineFault(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"none", nil, false},
		{"unavailable", answered(codes.Unavailable, cloud.ClassTransport), true},
		{"internal", answered(codes.Internal, cloud.ClassRetryable), true},
		{"quota", answered(codes.ResourceExhausted, cloud.ClassQuota), true},
		{"our own rights", answered(codes.PermissionDenied, cloud.ClassPermission), true},
		{"not found", answered(codes.NotFound, cloud.ClassNotFound), false},
		{"precondition", answered(codes.FailedPrecondition, cloud.ClassPermanent), false},
		{"token endpoint away", &exchange.TransportError{Err: errors.New("x")}, true},
		{"token endpoint fails", &exchange.ServerError{Status: 502}, true},
		{"refusal", &exchange.Refusal{Status: 400}, false},
		{"no answer as documented", &exchange.UnexpectedError{Status: 200}, false},
		{"shell lost", &workload.SessionError{Err: errors.New("x")}, true},
		{"document not fetched", &keyset.UnavailableError{Err: errors.New("x")}, true},
		{"cluster fails", apierrors.NewInternalError(errors.New("x")), true},
		{"cluster refuses", apierrors.NewForbidden(schema.GroupResource{}, "x", nil), false},
		{"time", context.DeadlineExceeded, true},
		{"anything else", errors.New("x"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := EngineFault(tc.err); got != tc.want {
				t.Errorf("EngineFault = %v", got)
			}
		})
	}
}

func spec(state types.SpecState, message string) types.SpecReport {
	return types.SpecReport{State: state, LeafNodeLabels: []string{Label(conformance.TutorialExchange)}, Failure: types.Failure{Message: message}}
}

func TestJudge(t *testing.T) {
	filter := Filter([]string{conformance.TutorialPayload}, "")
	for _, tc := range []struct {
		name   string
		spec   types.SpecReport
		notes  Notes
		filter string
		want   Judgement
	}{
		{"passed", spec(types.SpecStatePassed, ""), Notes{}, "", Judgement{Verdict: conformance.Pass}},
		{"passed after a fault", spec(types.SpecStatePassed, ""), Notes{Fault: "x"}, "", Judgement{Verdict: conformance.Pass}},
		{"failed", spec(types.SpecStateFailed, "it\n  broke"), Notes{}, "", Judgement{Verdict: conformance.Fail, Reason: "it broke"}},
		{"failed by a fault", spec(types.SpecStateFailed, "timed out"), Notes{Fault: "no answer"}, "", Judgement{Verdict: conformance.Error, Reason: "no answer"}},
		{"timed out", spec(types.SpecStateTimedout, "m"), Notes{}, "", Judgement{Verdict: conformance.Error, Reason: "the check ran out of time: m"}},
		{"panicked", types.SpecReport{State: types.SpecStatePanicked, Failure: types.Failure{ForwardedPanic: "nil map"}}, Notes{}, "", Judgement{Verdict: conformance.Error, Reason: "the check panicked: nil map"}},
		{"interrupted", spec(types.SpecStateInterrupted, "by user"), Notes{}, "", Judgement{Verdict: conformance.Error, Reason: "the check was interrupted: by user"}},
		{"aborted", spec(types.SpecStateAborted, "x"), Notes{}, "", Judgement{Verdict: conformance.Error, Reason: "the check was interrupted: x"}},
		{"unsupported", spec(types.SpecStateSkipped, "skip"), Notes{Unsupported: "lacks"}, "", Judgement{Verdict: conformance.NotSupported, Reason: "lacks"}},
		{"skipped", spec(types.SpecStateSkipped, "earlier spec failed"), Notes{}, "", Judgement{Verdict: conformance.Skipped, Reason: "earlier spec failed"}},
		{"left out", spec(types.SpecStateSkipped, "keep"), Notes{ByChoice: true}, "", Judgement{Verdict: conformance.Skipped, Reason: "keep", ByChoice: true}},
		{"not selected", spec(types.SpecStateSkipped, ""), Notes{}, filter, Judgement{Verdict: conformance.Skipped, Reason: "not selected: the run is asked for the words", ByChoice: true}},
		{"interrupted before", spec(types.SpecStateSkipped, ""), Notes{}, Filter([]string{conformance.TutorialExchange}, ""), Judgement{Verdict: conformance.Skipped, Reason: "the suite was interrupted, or ran out of time, before this check"}},
		{"pending", spec(types.SpecStatePending, ""), Notes{}, "", Judgement{Verdict: conformance.Skipped, Reason: "the check is marked as pending"}},
		{"unknown", spec(types.SpecStateInvalid, ""), Notes{}, "", Judgement{Verdict: conformance.Error, Reason: "the check ended in the unknown state INVALID SPEC STATE"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Judge(tc.spec, conformance.Must, tc.notes, Asked{Filter: tc.filter, Words: "the words"}); got != tc.want {
				t.Errorf("Judge = %+v, want %+v", got, tc.want)
			}
		})
	}
}

// A requirement of the level RECORD is recorded or open, never kept or broken.
func TestJudgeOfWhatIsRecorded(t *testing.T) {
	seen := Notes{Observations: []Observation{{"status", "400"}}}
	for _, tc := range []struct {
		name  string
		state types.SpecState
		notes Notes
		want  conformance.Verdict
		says  string
	}{
		{"observed", types.SpecStatePassed, seen, conformance.Recorded, ""},
		{"observed nothing", types.SpecStatePassed, Notes{}, conformance.Error, "recorded nothing"},
		{"failed", types.SpecStateFailed, seen, conformance.Error, "nothing is judged here, but the check failed: m"},
		{"no answer", types.SpecStateFailed, Notes{Fault: "no answer"}, conformance.Error, "no answer"},
		{"lacking", types.SpecStateSkipped, Notes{Unsupported: "lacks"}, conformance.NotSupported, "lacks"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Judge(spec(tc.state, "m"), conformance.Record, tc.notes, Asked{})
			if got.Verdict != tc.want || !strings.Contains(got.Reason, tc.says) {
				t.Errorf("Judge = %+v, want %s", got, tc.want)
			}
		})
	}
	if got := Judge(spec(types.SpecStateFailed, "m"), conformance.Should, Notes{}, Asked{}); got.Verdict != conformance.Fail {
		t.Errorf("a SHOULD that was broken is %+v", got)
	}
}

func TestAnswersAreObserved(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want []Observation
	}{
		{"accepted", nil, []Observation{{"outcome", "accepted"}}},
		{"refused", fmt.Errorf("x: %w", &exchange.Refusal{Status: 401, Code: "invalid_request", Description: "no"}),
			[]Observation{{"outcome", "refused"}, {"status", "401"}, {"error", "invalid_request"}, {"text", "no"}}},
		{"unexpected", &exchange.UnexpectedError{Status: 200, Reason: "it has no access token"},
			[]Observation{{"outcome", "in no documented form"}, {"status", "200"}, {"text", "it has no access token"}}},
		{"refused by the API", &cloud.Error{Code: codes.FailedPrecondition, Class: cloud.ClassPermanent, Message: "in use"},
			[]Observation{{"outcome", "refused"}, {"code", "FAILED_PRECONDITION"}, {"text", "in use"}}},
		{"something else", errors.New("odd"), []Observation{{"outcome", "in no documented form"}, {"text", "odd"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer Take()
			ObserveAnswer(tc.err, "asking")
			if got := Take().Observations; !slices.Equal(got, tc.want) {
				t.Errorf("observed %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOutcomesAreObservedInOneValue(t *testing.T) {
	defer Take()
	ObserveOutcome("plain", nil, "asking")
	ObserveOutcome("late", &exchange.Refusal{Status: 400, Code: "invalid_request", Description: "no"}, "asking")
	if got, want := Take().Observations, []Observation{{"plain", "accepted"}, {"late", "refused 400 invalid_request"}}; !slices.Equal(got, want) {
		t.Errorf("observed %q", got)
	}
}

func TestNotesAreOfOneSpec(t *testing.T) {
	Take()
	Observe("status", "400")
	Observe("other", "x")
	Observe("status", "401")
	Measure("a role is granted", time.Second)
	Measure("a role is granted", time.Minute)
	notes := Take()
	if want := []Observation{{"status", "401"}, {"other", "x"}}; !slices.Equal(notes.Observations, want) {
		t.Errorf("observations %q", notes.Observations)
	}
	if want := []Measurement{{"a role is granted", time.Second}, {"a role is granted", time.Minute}}; !slices.Equal(notes.Measurements, want) {
		t.Errorf("measurements %v", notes.Measurements)
	}
	if again := Take(); len(again.Observations)+len(again.Measurements) > 0 {
		t.Errorf("the next spec begins with %+v", again)
	}
}

func TestRequirementGoesThroughTheLabel(t *testing.T) {
	for _, r := range conformance.Catalogue() {
		if r.Excluded != "" {
			continue
		}
		report := types.SpecReport{LeafNodeLabels: append([]string{"other"}, Decides(r.ID)...)}
		if id, ok := RequirementOf(report); !ok || id != r.ID {
			t.Errorf("%s came back as %q", r.ID, id)
		}
		if _, err := types.ValidateAndCleanupLabel(Label(r.ID), types.CodeLocation{}); err != nil {
			t.Error(err)
		}
	}
	if id, ok := RequirementOf(types.SpecReport{}); ok {
		t.Errorf("found %q", id)
	}
}

func TestWhatNoCheckDecidesPanics(t *testing.T) {
	for name, call := range map[string]func(){
		"unknown":  func() { Decides("tutorial/nothing") },
		"excluded": func() { decides(conformance.Requirement{ID: "a/b", Excluded: "nobody can see it"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: the id was accepted", name)
				}
			}()
			call()
		}()
	}
}

func TestLabelsThatAUserFiltersBy(t *testing.T) {
	rows := []conformance.Requirement{{ID: "exchange/jku", Area: "exchange", Level: conformance.Should, Slow: true}}
	for filter, want := range map[string]bool{
		"slow": true, "!slow": false, "exchange": true, "access": false, "should && exchange": true, "must": false, "": true,
	} {
		users, err := types.ParseLabelFilter(filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(Select(rows, users)) == 1; got != want {
			t.Errorf("filter %q selects: %v", filter, got)
		}
	}
}

func TestFilterSelectsJustThose(t *testing.T) {
	for _, tc := range []struct {
		users string
		label string
		want  bool
	}{
		{"", Label(conformance.TutorialExchange), true},
		{"", Label(conformance.TutorialDeleted), false},
		{"!slow", Label(conformance.TutorialExchange), true},
		{"slow", Label(conformance.TutorialExchange), false},
	} {
		matches, err := types.ParseLabelFilter(Filter([]string{conformance.TutorialExchange, conformance.TutorialPayload}, tc.users))
		if err != nil {
			t.Fatal(err)
		}
		if got := matches([]string{tc.label}); got != tc.want {
			t.Errorf("filter %q selects %s: %v", tc.users, tc.label, got)
		}
	}
}

func TestPoll(t *testing.T) {
	defer Take()
	for _, tc := range []struct {
		name  string
		err   error
		fault bool
		stops bool
	}{
		{"fault", answered(codes.Unavailable, cloud.ClassTransport), true, false},
		{"answer", nil, false, false},
		{"not yet", answered(codes.NotFound, cloud.ClassNotFound), false, false},
		{"never", answered(codes.InvalidArgument, cloud.ClassInvalid), false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Poll(func(context.Context) (int, error) { return 1, tc.err })(t.Context())
			var signal gomega.PollingSignalError
			if stops := errors.As(err, &signal); stops != tc.stops {
				t.Errorf("stops %v: %v", stops, err)
			}
			if notes := Take(); (notes.Fault != "") != tc.fault || tc.fault && !strings.Contains(notes.Fault, "reading: m") {
				t.Errorf("notes %+v", notes)
			}
		})
	}
}
