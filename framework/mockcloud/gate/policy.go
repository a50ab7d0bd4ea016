package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/validate"
)

// policy is what the gate asks of a call and how it refuses one.
type policy struct {
	// reading is what it looks at in a token.
	reading access.Reading
	// lets are the reasons for which no token is refused: its bearer may do all.
	lets []string
	// overlooks says of a broken rule that it is not noticed.
	overlooks func(proto.Message, validate.Violation) bool
	// absent are the kinds of resources that need not be there.
	absent []string
	// serves says why a call is not served for the way on which it came.
	serves func(context.Context, kernel.Call) error
	// once: a repeated idempotency key is known.
	once bool
	// refuse is the answer to a call that is refused.
	refuse func(refusal) (any, error)
	// named: an answer has a request id.
	named bool
	// verdict is what the audit log says of a call that was allowed.
	verdict func(method string) (verdict, reason string)
}

// refusal is a call that is refused, and what would have been the answer.
type refusal struct {
	method string
	err    error
	answer func() (any, error)
}

func (r refusal) code() codes.Code { return status.Code(r.err) }

func strict() policy {
	return policy{
		reading:   access.StrictReading(),
		overlooks: func(proto.Message, validate.Violation) bool { return false },
		serves:    func(context.Context, kernel.Call) error { return nil },
		once:      true,
		refuse:    func(r refusal) (any, error) { return nil, r.err },
		named:     true,
		verdict:   func(string) (string, string) { return audit.Allowed, "" },
	}
}

// deviations are the bugs that act in the gate.
var deviations = map[string]func(*policy){
	// who calls
	"ExpiredTokenAccepted":   func(p *policy) { p.reading.Timely = false },
	"RevokedTokenAccepted":   func(p *policy) { p.reading.Unrevoked = false },
	"TokenSignatureIgnored":  func(p *policy) { p.reading.Signed = false },
	"MissingTokenIsOwner":    func(p *policy) { p.lets = append(p.lets, "no-token") },
	"UnreadableTokenIsOwner": func(p *policy) { p.lets = append(p.lets, "token:invalid") },

	// what is asked for
	"NamePatternIgnored":       overlooking("name", "Field does not match", anyFederation),
	"DescriptionLengthIgnored": overlooking("description", "Length must be", anyFederation),
	"AudienceLengthIgnored":    overlooking("audiences[", "Length must be", anyFederation),
	"NoAudienceAccepted":       overlooking("audiences", "Number of elements", func(m proto.Message) bool { n, ok := audiences(m); return ok && n == 0 }),
	"TooManyAudiencesAccepted": overlooking("audiences", "Number of elements", func(m proto.Message) bool { n, ok := audiences(m); return ok && n > 0 }),
	"RequiredFieldsIgnored":    overlooking("", "Field is required", anyFederation),
	"LongSubjectAccepted":      overlooking("external_subject_id", "Length must be", anyMessage),
	"PayloadKeyPatternIgnored": func(p *policy) {
		overlooking("version_payload_entries[", "Field does not match", anyMessage)(p)
		overlooking("payload_entries[", "Field does not match", anyMessage)(p)
	},
	"PayloadSizeIgnored":      overlook(largeValue),
	"UnknownFederationLinked": func(p *policy) { p.absent = append(p.absent, "iam.workloadIdentityFederation") },
	"UnknownAccountLinked":    func(p *policy) { p.absent = append(p.absent, "iam.serviceAccount") },
	"UnknownSecretIsAnother":  func(p *policy) { p.absent = append(p.absent, "lockbox.secret") },
	"UnknownSecretIsEmpty":    func(p *policy) { p.absent = append(p.absent, "lockbox.secret") },
	"GRPCKnowsNoAccounts":     func(p *policy) { p.serves = usersOrREST },
	"IdempotencyKeyIgnored":   func(p *policy) { p.once = false },

	// how it is refused
	"DeniedIsNotFound":      answering(codes.PermissionDenied, func(refusal) (any, error) { return nil, refuse("hidden", codes.NotFound, "Not found") }),
	"DeniedIsEmpty":         answering(codes.PermissionDenied, emptyAnswer),
	"RefusalShowsPayload":   answering(codes.PermissionDenied, shownAnswer),
	"UnauthenticatedIs403":  answering(codes.Unauthenticated, func(r refusal) (any, error) { return nil, recoded(r.err, codes.PermissionDenied) }),
	"RefusalWithoutRequest": func(p *policy) { p.named = false },

	// what is written down
	"AllowedIsAuditedAsRefused": func(p *policy) {
		p.verdict = func(method string) (string, string) {
			if strings.HasSuffix(method, "/Get") {
				return audit.Refused, "permission:unknown"
			}
			return audit.Allowed, ""
		}
	},
}

func anyMessage(proto.Message) bool { return true }

func anyFederation(m proto.Message) bool { _, ok := audiences(m); return ok }

// audiences counts those that a federation is to have.
func audiences(m proto.Message) (n int, is bool) {
	switch req := m.(type) {
	case *oidc.CreateFederationRequest:
		return len(req.Audiences), true
	case *oidc.UpdateFederationRequest:
		return len(req.Audiences), true
	}
	return 0, false
}

// overlooking does not notice that a field breaks a rule.
func overlooking(field, rule string, in func(proto.Message) bool) func(*policy) {
	return overlook(func(m proto.Message, v validate.Violation) bool {
		return in(m) && strings.HasPrefix(v.Field, field) && strings.HasPrefix(v.Text, rule)
	})
}

func overlook(which func(proto.Message, validate.Violation) bool) func(*policy) {
	return func(p *policy) {
		also := p.overlooks
		p.overlooks = func(m proto.Message, v validate.Violation) bool { return also(m, v) || which(m, v) }
	}
}

// largeValue: the value of an entry, not its key, is too long.
func largeValue(_ proto.Message, v validate.Violation) bool {
	return strings.Contains(v.Field, "payload_entries[") && strings.HasSuffix(v.Field, "_value")
}

// answering answers a refusal of a code in another way.
func answering(code codes.Code, answer func(refusal) (any, error)) func(*policy) {
	return func(p *policy) {
		otherwise := p.refuse
		p.refuse = func(r refusal) (any, error) {
			if r.code() != code {
				return otherwise(r)
			}
			return answer(r)
		}
	}
}

// emptyAnswer is success with nothing in it, when a payload was asked for.
func emptyAnswer(r refusal) (any, error) {
	if !readsPayload(r.method) {
		return nil, r.err
	}
	method, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(r.method, "/", ".")))
	if err != nil {
		return nil, r.err
	}
	output, err := protoregistry.GlobalTypes.FindMessageByName(method.(protoreflect.MethodDescriptor).Output().FullName())
	if err != nil {
		return nil, r.err
	}
	return output.New().Interface(), nil
}

// shownAnswer looks at the caller's rights when it has read the payload already,
// and prints what it has at hand.
func shownAnswer(r refusal) (any, error) {
	if !readsPayload(r.method) {
		return nil, r.err
	}
	got, err := r.answer()
	if err != nil {
		return nil, r.err
	}
	return nil, worded(r.err, func(text string) string { return fmt.Sprintf("%s while returning %v", text, got) })
}

// usersOrREST: a service account reads payloads by REST alone, whose front end names
// the host that was asked.
func usersOrREST(ctx context.Context, call kernel.Call) error {
	if len(metadata.ValueFromIncomingContext(ctx, "x-forwarded-host")) > 0 || call.Caller.Type != access.ServiceAccount || !readsPayload(call.Method) {
		return nil
	}
	return refuse("no-service-account", codes.Unauthenticated, "%v", access.ErrTokenInvalid)
}

func readsPayload(method string) bool {
	return strings.HasPrefix(method, "yandex.cloud.lockbox.v1.PayloadService/")
}

func worded(err error, word func(string) string) error {
	return kernel.Refuse(reasonOf(err), status.Error(status.Code(err), word(status.Convert(err).Message())))
}

func recoded(err error, to codes.Code) error {
	return kernel.Refuse(reasonOf(err), status.Error(to, status.Convert(err).Message()))
}

func reasonOf(err error) string {
	var r kernel.Refusal
	if errors.As(err, &r) {
		return r.Reason()
	}
	return "answer:" + status.Code(err).String()
}

// letsIn says whether a caller who was refused may do everything all the same.
func (p policy) letsIn(err error) bool {
	return slices.Contains(p.lets, reasonOf(err))
}
