package kernel

import (
	"context"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	opmanager "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/operation"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Call is what is known of the call that a method answers.
type Call struct {
	// Method is the full name: "yandex.cloud.lockbox.v1.SecretService/Create".
	Method    string
	Caller    access.Subject
	RequestID string
	// Bugs act on it.
	Bugs bugs.Set
	// Fault is the injected one.
	Fault settings.Fault
}

type callKey struct{}

// WithCall puts a call into a context.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf is the call that ctx belongs to.
func CallOf(ctx context.Context) Call {
	c, _ := ctx.Value(callKey{}).(Call)
	return c
}

// Op is an operation that a method starts.
type Op struct {
	Description string
	// Prefix of its id: that of the service.
	Prefix   string
	Metadata proto.Message
	On       state.Ref
	// Slow work runs in the background even when the method's latency is 0.
	Slow bool
	Work func(ctx context.Context) (proto.Message, error)
	// Commit does when the latency has passed what others see only then.
	Commit func()
}

// Begin starts the operation of the call in ctx, with the latency set for its method.
func (k *Kernel) Begin(ctx context.Context, op Op) (*operation.Operation, error) {
	call := CallOf(ctx)
	PolicyOf(ctx, strictOperations(), operationBugs).change(call.Method, &op)
	op.injure(call.Fault, k.Settings.FaultsReplaced())
	return k.Operations.Start(opmanager.Spec{
		ID: NewID(op.Prefix), Description: op.Description, Metadata: op.Metadata, By: call.Caller, On: op.On,
		Takes: k.Settings.Get().Latency(call.Method), Slow: op.Slow, Work: op.Work, Commit: op.Commit,
	})
}

// injure makes the operation end as a fault says: after its work, and not before the
// fault is over if it never ends.
func (op *Op) injure(f settings.Fault, over <-chan struct{}) {
	work := op.Work
	switch f.Operation {
	case settings.OperationFails:
		op.Work = func(ctx context.Context) (proto.Message, error) {
			if _, err := work(ctx); err != nil {
				return nil, err
			}
			return nil, status.Error(Code(f.Code), f.Message)
		}
	case settings.OperationNever:
		op.Slow = true
		op.Work = func(ctx context.Context) (proto.Message, error) {
			made, err := work(ctx)
			if err != nil {
				return nil, err
			}
			select {
			case <-over:
				return made, nil
			case <-ctx.Done(): // the mock ends
				return nil, ctx.Err()
			}
		}
	}
}

// Allowed says whether the caller in ctx has a permission: for what a rule
// cannot say because it hangs on the state.
func (k *Kernel) Allowed(ctx context.Context, permission string, on state.Ref) bool {
	return k.Decider.Allowed(CallOf(ctx).Caller, access.Need{Permission: permission, On: on})
}

// OperationsOn is a page of the operations on a resource, for ListOperations.
func (k *Kernel) OperationsOn(ref state.Ref, req PageRequest) ([]*operation.Operation, string, error) {
	return Page(k.Operations.On(ref), req, (*operation.Operation).GetId)
}

// Pause lets time pass, for an injected delay; the context's error ends it early.
func (k *Kernel) Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := k.Clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
