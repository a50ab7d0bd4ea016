package calling

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/payload"
)

func answered(code codes.Code) error {
	return fmt.Errorf("wrapped: %w", cloud.NewError("service/Method", code, "the text", "r1", nil))
}

// What is expected passes, another refusal is the target's failure, and what is no
// answer is the engine's.
func TestRefusal(t *testing.T) {
	for _, tc := range []struct {
		name   string
		err    error
		want   []codes.Code
		passes bool
		engine bool
		says   string
	}{
		{"the documented code", answered(codes.PermissionDenied), []codes.Code{codes.PermissionDenied}, true, false, ""},
		{"one of several", answered(codes.NotFound), []codes.Code{codes.InvalidArgument, codes.NotFound}, true, false, ""},
		{"a limit, where that is expected", answered(codes.ResourceExhausted), []codes.Code{codes.ResourceExhausted}, true, false, ""},
		{"any", answered(codes.FailedPrecondition), nil, true, false, ""},
		{"any, of rights", answered(codes.PermissionDenied), nil, true, false, ""},
		{"accepted", nil, []codes.Code{codes.PermissionDenied}, false, false, "PERMISSION_DENIED"},
		{"another", answered(codes.NotFound), []codes.Code{codes.PermissionDenied}, false, false, "r1"},
		{"of rights instead of the request", answered(codes.PermissionDenied), []codes.Code{codes.InvalidArgument}, false, false, "INVALID_ARGUMENT"},
		{"of the token instead of rights", answered(codes.Unauthenticated), []codes.Code{codes.PermissionDenied}, false, false, "the text"},
		{"of the token, where any will do", answered(codes.Unauthenticated), nil, false, false, "the text"},
		{"not implemented", answered(codes.Unimplemented), nil, false, false, "the text"},
		{"in no form", &payload.UnexpectedError{Status: 200, Reason: "it has no entries"}, nil, false, false, "200"},
		{"no answer", answered(codes.Unavailable), nil, false, true, ""},
		{"a failing server", answered(codes.Internal), []codes.Code{codes.PermissionDenied}, false, true, ""},
		{"throttled", answered(codes.ResourceExhausted), nil, false, true, ""},
		{"no time", context.DeadlineExceeded, nil, false, true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Refusal(tc.err, tc.want...)
			if (err == nil) != tc.passes || check.EngineFault(err) != tc.engine || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, an engine fault: %t", err, check.EngineFault(err))
			}
		})
	}
}

// An account that a check made is refused by the target; the run's own lacks a
// right.
func TestJudged(t *testing.T) {
	for code, engine := range map[codes.Code]bool{
		codes.PermissionDenied: false, codes.Unauthenticated: false, codes.NotFound: false, codes.Unavailable: true, codes.Internal: true, codes.ResourceExhausted: true,
	} {
		err := Judged(answered(code))
		if check.EngineFault(err) != engine || !strings.Contains(err.Error(), "r1") || !engine && strings.Contains(err.Error(), "README") {
			t.Errorf("%s: %v, an engine fault: %t", code, err, check.EngineFault(err))
		}
	}
	if other := errors.New("x"); !errors.Is(Judged(other), other) || Judged(nil) != nil {
		t.Error("what is no answer of the cloud's is changed")
	}
}
