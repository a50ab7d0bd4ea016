// Package gate is the way into the mock cloud for every gRPC call (REST calls
// become gRPC calls first): request ids, calls that wait, injected faults, authentication,
// validation, authorisation, idempotency and the audit log, in this order.
package gate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/hold"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/validate"
)

// Gate guards the methods of all services.
type Gate struct {
	k     *kernel.Kernel
	rules map[string]kernel.Rule
	keys  *state.Records[string] // idempotency key of a caller and method -> operation id
	locks sync.Map               // idempotency key -> *sync.Mutex, held while a call with it runs
	holds *hold.Desk
	cut   func(client string)
}

// New makes a gate that lets nothing through yet.
func New(k *kernel.Kernel) *Gate {
	return &Gate{k: k, rules: map[string]kernel.Rule{}, keys: state.NewRecords[string](k.Store, "gate.idempotency"), holds: &hold.Desk{}}
}

// Guard opens the gate for services, by their rules. It is called before the
// first request.
func (g *Gate) Guard(services []kernel.Service) *Gate {
	for _, s := range services {
		for method, rule := range s.Rules {
			g.rules[s.Desc.ServiceName+"/"+method] = rule
		}
	}
	return g
}

// Holds are the calls that are to wait.
func (g *Gate) Holds() *hold.Desk { return g.holds }

// refuse answers with a reason for the audit log.
func refuse(reason string, code codes.Code, format string, args ...any) error {
	return kernel.Refuse(reason, status.Errorf(code, format, args...))
}

// Unary is the interceptor of the gRPC server.
func (g *Gate) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	method := strings.TrimPrefix(info.FullMethod, "/")
	msg := req.(proto.Message)
	started := g.k.Clock.Now()
	needs := g.rules[method].For(msg)
	call := kernel.Call{Method: method, RequestID: uuid.NewString(), Bugs: g.k.BugsOfCall(needs, access.Subject{})}

	resp, call, err := g.held(ctx, call, msg, handler)
	policy := policyOf(call)
	entry := audit.Entry{Time: started, RequestID: call.RequestID, Method: method, Code: "OK",
		Run: RunOf(ctx, msg), Took: g.k.Clock.Since(started)}
	if !call.Caller.IsZero() {
		entry.Caller = call.Caller.Type + ":" + call.Caller.ID
	}
	if len(needs) > 0 {
		entry.Resource = needs[0].On.Type + "/" + needs[0].On.ID
	}
	if entry.Verdict, entry.Reason = policy.verdict(method); err != nil {
		entry.Verdict, entry.Reason, entry.Code = verdictOf(err)
	}
	g.k.Audit.Add(entry)
	if policy.named {
		setIDs(ctx, call.RequestID)
		err = withRequestID(err, call.RequestID)
	}
	return resp, err
}

// held lets a call wait before and after it passes, if somebody chose so.
func (g *Gate) held(ctx context.Context, call kernel.Call, req proto.Message, handler grpc.UnaryHandler) (any, kernel.Call, error) {
	var refs []state.Ref
	for _, need := range g.rules[call.Method].For(req) {
		refs = append(refs, need.On)
	}
	answered, err := g.holds.Arrived(ctx, call.Method, g.k.FoldersOf(refs...))
	if err != nil {
		return nil, call, status.FromContextError(err).Err()
	}
	resp, call, err := g.pass(ctx, call, req, handler)
	answered()
	return resp, call, err
}

// Mutates says whether a method changes something: it starts an operation.
func Mutates(method string) bool {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(method, "/", ".")))
	if err != nil {
		return false // no method of the API: object storage, the token endpoint
	}
	m, ok := found.(protoreflect.MethodDescriptor)
	return ok && m.Output().FullName() == (&operation.Operation{}).ProtoReflect().Descriptor().FullName() && !strings.HasPrefix(method, "yandex.cloud.operation.")
}

func (g *Gate) pass(ctx context.Context, call kernel.Call, req proto.Message, handler grpc.UnaryHandler) (any, kernel.Call, error) {
	rule, known := g.rules[call.Method]
	if !known {
		return nil, call, refuse("unimplemented", codes.Unimplemented, "unknown method %s", call.Method) // gRPC's own words
	}
	fault, faulty := g.k.Settings.Fault(call.Method)
	if faulty {
		if err := g.k.Pause(ctx, time.Duration(fault.Delay)); err != nil {
			return nil, call, status.FromContextError(err).Err()
		}
		if fault.Before() {
			return nil, call, injected("fault", fault)
		}
		call.Fault = fault
	}
	call, err := g.admit(ctx, call, rule, req)
	answer := func() (any, error) { return handler(kernel.WithCall(ctx, call), req) }
	if err != nil {
		resp, err := policyOf(call).refuse(refusal{method: call.Method, err: err, answer: answer})
		return resp, call, err
	}
	resp, err := g.once(ctx, call, answer)
	switch {
	case err != nil || !faulty:
		return resp, call, err
	case fault.Reset:
		g.reset(ctx)
		return nil, call, injected("fault-reset", fault)
	case fault.Lost():
		return nil, call, injected("fault-after", fault)
	}
	return resp, call, nil
}

// injected is the answer of a fault.
func injected(reason string, f settings.Fault) error {
	code := kernel.Code(f.Code)
	if f.Code == "" {
		code = codes.Unavailable
	}
	st := status.New(code, f.Message)
	if f.RetryAfter > 0 {
		if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Duration(f.RetryAfter))}); err == nil {
			st = with
		}
	}
	return kernel.Refuse(reason, st.Err())
}

// OnReset tells how the connection of a client is cut.
func (g *Gate) OnReset(cut func(client string)) { g.cut = cut }

// reset cuts the connection of a call in the middle of its answer.
func (g *Gate) reset(ctx context.Context) {
	_ = grpc.SendHeader(ctx, metadata.MD{}) // the client may be gone
	if from, ok := peer.FromContext(ctx); ok && g.cut != nil {
		g.cut(from.Addr.String())
	}
}

// admit says who makes a call, and refuses who may not or asks for nonsense.
func (g *Gate) admit(ctx context.Context, call kernel.Call, rule kernel.Rule, req proto.Message) (kernel.Call, error) {
	entitled := rule.Public
	if !rule.Public {
		var err error
		call.Caller, err = g.authenticate(ctx, policyOf(call))
		if entitled = policyOf(call).letsIn(err); err != nil && !entitled {
			return call, err
		}
		call.Bugs = g.k.BugsOfCall(rule.For(req), call.Caller)
	}
	if err := policyOf(call).serves(ctx, call); err != nil {
		return call, err
	}
	if err := check(rule, req, policyOf(call)); err != nil {
		return call, err
	}
	return call, g.authorize(call, rule, req, entitled)
}

func policyOf(call kernel.Call) policy {
	p := strict()
	bugs.Apply(call.Bugs, deviations, &p)
	return p
}

// check holds a request against its descriptors, and asks for the fields that its
// rule finds a resource by (those of VPC carry no options).
func check(rule kernel.Rule, req proto.Message, p policy) error {
	vs := validate.Request(req)
	for _, field := range rule.Missing(req) {
		if !slices.ContainsFunc(vs, func(v validate.Violation) bool { return v.Field == field }) {
			vs = append(vs, validate.Violation{Field: field, Text: "Field is required"})
		}
	}
	vs = slices.DeleteFunc(vs, func(v validate.Violation) bool { return p.overlooks(req, v) })
	return kernel.Invalid(vs...)
}

func (g *Gate) authenticate(ctx context.Context, p policy) (access.Subject, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		return access.Subject{}, refuse("no-token", codes.Unauthenticated, "The token is missing")
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return access.Subject{}, refuse("no-bearer", codes.Unauthenticated, "%v", access.ErrTokenInvalid)
	}
	return g.identify(strings.TrimSpace(token), p)
}

// Authenticate finds the subject of an IAM token that may be used now. A service
// account that was suspended or deleted "cannot authenticate" (service_account.proto).
func (g *Gate) Authenticate(token string) (access.Subject, error) { return g.identify(token, strict()) }

func (g *Gate) identify(token string, p policy) (access.Subject, error) {
	subject, err := g.k.Tokens.ReadAs(token, g.k.Clock.Now(), p.reading)
	if err != nil {
		why := "token:invalid"
		switch {
		case errors.Is(err, access.ErrTokenExpired):
			why = "token:expired"
		case errors.Is(err, access.ErrTokenRevoked):
			why = "token:revoked"
		}
		return subject, refuse(why, codes.Unauthenticated, "%v", err)
	}
	if why := g.k.Inactive(subject); why != "" {
		return subject, refuse("subject:"+why, codes.Unauthenticated, "%v", access.ErrTokenInvalid)
	}
	return subject, nil
}

// authorize refuses who lacks a permission that the call needs; an entitled caller
// has them all.
func (g *Gate) authorize(call kernel.Call, rule kernel.Rule, req proto.Message, entitled bool) error {
	for _, need := range rule.For(req) {
		if _, ok := g.k.Store.Find(need.On); !ok {
			if slices.Contains(policyOf(call).absent, need.On.Type) {
				continue
			}
			return kernel.Refuse("not-found:"+need.On.Type, g.k.NotFound(need.On.Type, need.On.ID))
		}
		if !entitled && !g.k.Decider.Allowed(call.Caller, need) {
			return g.k.Denied(need)
		}
	}
	return nil
}

// once answers a repeated Idempotency-Key with the operation that the first call
// started, as it stands now (docs: "Idempotency").
func (g *Gate) once(ctx context.Context, call kernel.Call, do func() (any, error)) (any, error) {
	values := metadata.ValueFromIncomingContext(ctx, "idempotency-key")
	if len(values) == 0 || values[0] == "" || !policyOf(call).once {
		return do()
	}
	key := call.Caller.ID + "|" + call.Method + "|" + values[0]
	lock, _ := g.locks.LoadOrStore(key, &sync.Mutex{})
	lock.(*sync.Mutex).Lock()
	defer lock.(*sync.Mutex).Unlock()
	if id, ok := g.keys.Get(key); ok {
		if op, _, ok := g.k.Operations.Get(id); ok {
			return op, nil
		}
	}
	resp, err := do()
	if op, ok := resp.(*operation.Operation); ok && err == nil {
		g.keys.Put(key, op.Id)
	}
	return resp, err
}

func setIDs(ctx context.Context, requestID string) {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	trace := hex.EncodeToString(raw[:])
	_ = grpc.SetHeader(ctx, metadata.Pairs("x-request-id", requestID, "x-server-request-id", requestID, "x-server-trace-id", fmt.Sprintf("%s:%s:%s:1", trace, trace, trace)))
}

// withRequestID adds the detail that the documentation shows in errors.
func withRequestID(err error, id string) error {
	if err == nil {
		return nil
	}
	st := status.Convert(err)
	if st.Code() == codes.Unknown && st.Message() == "" {
		return st.Err()
	}
	details := []protoadapt.MessageV1{&errdetails.RequestInfo{RequestId: id}}
	if with, derr := st.WithDetails(details...); derr == nil {
		return with.Err()
	}
	return st.Err()
}

func verdictOf(err error) (verdict, reason, code string) {
	st := status.Convert(err)
	code = st.Code().String()
	if errors.As(err, new(kernel.Refusal)) {
		return audit.Refused, reasonOf(err), code
	}
	switch st.Code() {
	case codes.Internal, codes.Unknown, codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return audit.Failed, "error:" + code, code
	}
	return audit.Refused, reasonOf(err), code
}

// RunOf is the run that a request names: by its label, or its client's user agent.
func RunOf(ctx context.Context, req proto.Message) string {
	if l, ok := req.(interface{ GetLabels() map[string]string }); ok && l.GetLabels()["wlif-run"] != "" {
		return l.GetLabels()["wlif-run"]
	}
	for _, agent := range append(metadata.ValueFromIncomingContext(ctx, "user-agent"), metadata.ValueFromIncomingContext(ctx, "grpcgateway-user-agent")...) {
		if run := audit.RunOf(agent); run != "" {
			return run
		}
	}
	return ""
}
