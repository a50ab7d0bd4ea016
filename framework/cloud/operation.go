package cloud

import (
	"context"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	sdkoperation "github.com/yandex-cloud/go-sdk/v2/pkg/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Progress is told about an operation each time it was asked for.
type Progress struct {
	OperationID string
	Description string
	// Since is when the waiting began.
	Since time.Time
	Polls int
}

// Wait waits until op is done, asking as often as the server says in
// x-operation-poll-interval, else more and more seldom, down to every second. It
// unpacks the response into response unless that is nil. The error of a failed
// operation is an *Error with the operation's id and with method as its Method;
// report may be nil.
func (c *Client) Wait(ctx context.Context, method string, op *operation.Operation, response proto.Message, report func(Progress)) error {
	p := Progress{OperationID: op.GetId(), Description: op.GetDescription(), Since: time.Now()}
	if !op.GetDone() {
		poll := func(ctx context.Context, id string, opts ...grpc.CallOption) (sdkoperation.YCOperation, error) {
			p.Polls++
			if report != nil {
				report(p)
			}
			return c.Operations().Get(ctx, &operation.GetOperationRequest{OperationId: id}, opts...)
		}
		done, err := sdkoperation.PollUntilDone(ctx, op.GetId(), poll, func(int) time.Duration { return pollInterval(time.Since(p.Since)) })
		if err != nil {
			return waitError(ctx, method, op.GetId(), err)
		}
		op = done.(*operation.Operation)
	}
	if failure := op.GetError(); failure != nil && failure.GetCode() != int32(codes.OK) {
		e := newError(method, status.FromProto(failure).Err(), "", "")
		e.OperationID = op.GetId()
		return e
	}
	if response == nil || op.GetResponse() == nil {
		return nil
	}
	if err := op.GetResponse().UnmarshalTo(response); err != nil {
		return &Error{Method: method, OperationID: op.GetId(), Code: codes.Internal, Class: ClassPermanent,
			Message: "its response is a " + op.GetResponse().GetTypeUrl() + ", not a " + string(proto.MessageName(response)), cause: err}
	}
	return nil
}

// pollInterval is an eighth of what was waited so far, so that asking makes no
// operation look much longer than it is; at most the SDK's second.
func pollInterval(waited time.Duration) time.Duration {
	return min(max(waited/8, 100*time.Millisecond), time.Second)
}

// waitError tells the end of our patience from a failed poll.
func waitError(ctx context.Context, method, id string, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	e := newError(method, err, "", "")
	e.OperationID = id
	if ctx.Err() != nil {
		e.Message = "not done when the waiting ended: " + context.Cause(ctx).Error()
		e.Hint = "the operation goes on; wlif sweep deletes what comes of it"
	}
	return e
}

// ResourceID returns the id that a create operation's metadata names in field
// ("network_id"): it is known as soon as the call was accepted. Empty if there
// is no such field.
func ResourceID(op *operation.Operation, field string) string {
	if op.GetMetadata() == nil {
		return ""
	}
	m, err := op.GetMetadata().UnmarshalNew()
	if err != nil {
		return ""
	}
	r := m.ProtoReflect()
	f := r.Descriptor().Fields().ByTextName(field)
	if f == nil {
		return ""
	}
	return r.Get(f).String()
}
