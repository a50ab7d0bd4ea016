package kernel

import (
	"fmt"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/quota"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/validate"
)

// Errorf is an answer with a code.
func Errorf(code codes.Code, format string, args ...any) error {
	return status.Errorf(code, format, args...)
}

// Invalid answers INVALID_ARGUMENT for rules that the descriptors do not carry.
// It is nil when vs is empty.
func Invalid(vs ...validate.Violation) error {
	if len(vs) == 0 {
		return nil
	}
	return Refuse("validation:"+vs[0].Field, status.Error(codes.InvalidArgument, validate.Text(vs)))
}

// Guess answers as the table of guesses says for a case; what stands for %s. It
// is nil when the table accepts the case.
func (k *Kernel) Guess(name string, what ...any) error {
	g, ok := k.Settings.Get().Guesses[name]
	if !ok {
		return status.Errorf(codes.Internal, "the mock has no answer %q in its table of guesses", name)
	}
	if g.Code == "" {
		return nil
	}
	return Refuse(name, status.Error(Code(g.Code), fmt.Sprintf(g.Text, what[:min(len(what), strings.Count(g.Text, "%s"))]...)))
}

// Refusal is an answer with the reason that the audit log keeps: on the wire
// refusals look alike.
type Refusal struct {
	error
	reason string
}

// Refuse gives an error (that of a gRPC status) a reason.
func Refuse(reason string, err error) error { return Refusal{error: err, reason: reason} }

// Reason is a stable word ("lockbox/inactive").
func (r Refusal) Reason() string { return r.reason }

// GRPCStatus is what goes on the wire.
func (r Refusal) GRPCStatus() *status.Status { return status.Convert(r.error) }

// Denied is the answer to a caller without a permission. It has the form seen in
// public logs: the resource and what it lies in.
func (k *Kernel) Denied(need access.Need) error {
	var parts []string
	for _, r := range k.Decider.Chain(need.On) {
		parts = append(parts, r.Type+" "+r.ID)
	}
	return Refuse("permission:"+need.Permission, status.Error(codes.PermissionDenied, "Permission to ["+strings.Join(parts, ", ")+"] denied"))
}

// NotFound: the text is a guess.
func (k *Kernel) NotFound(kind, id string) error {
	name := kind[strings.LastIndexByte(kind, '.')+1:]
	return k.Guess("api/not-found", strings.ToUpper(name[:1])+name[1:]+" "+id)
}

// Code reads a canonical code by its name ("NOT_FOUND"); an unknown name is UNKNOWN.
func Code(name string) codes.Code {
	var c codes.Code
	if err := c.UnmarshalJSON([]byte(`"` + name + `"`)); err != nil {
		return codes.Unknown
	}
	return c
}

// CheckQuota refuses when have+1 is over the limit of a metric. The text and the
// details are the ones seen in public logs.
func (k *Kernel) CheckQuota(metric string, have int) error {
	limit, ok := k.Settings.Get().Quotas[metric]
	if !ok || int64(have) < limit {
		return nil
	}
	return QuotaExceeded(metric, limit, have)
}

// QuotaExceeded is the answer when one more of a metric is refused.
func QuotaExceeded(metric string, limit int64, have int) error {
	st, err := status.New(codes.ResourceExhausted, "Quota limit "+metric+" exceeded").WithDetails(&quota.QuotaFailure{
		Violations: []*quota.QuotaFailure_Violation{{
			Metric:   &quota.QuotaMetric{Name: metric, Limit: limit, Usage: float64(have)},
			Required: int64(have) + 1,
		}},
	})
	if err != nil {
		return err
	}
	return st.Err()
}
