package cloud

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/google/uuid" // v4 idempotency keys and request ids; the SDK uses it too
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Headers of requests and answers.
const (
	headerIdempotency   = "idempotency-key"
	headerClientRequest = "x-client-request-id"
	headerClientTrace   = "x-client-trace-id"
	headerAuthorization = "authorization"
	headerRequest       = "x-request-id"
	headerServerRequest = "x-server-request-id"
)

// Call is one API call, as the trace hook sees it. It carries no header that could
// hold a secret; Request and Answer are the messages themselves, which may.
type Call struct {
	// Method is the full gRPC method name without the leading slash.
	Method string
	// Attempt counts from 1; a retried call is traced once for each attempt.
	Attempt         int
	Start           time.Time
	Duration        time.Duration
	Code            codes.Code
	ClientRequestID string
	RequestID       string
	IdempotencyKey  string
	// Request and Answer are protobuf messages. Nothing may be written of them but
	// through package transcript, and nothing kept.
	Request, Answer any
	// Err is the *Error, or nil.
	Err error
}

type idempotencyKey struct{}

// WithIdempotencyKey makes the mutating calls made with ctx carry key, so that a
// call can be repeated after a crash. Without it every call gets a key of its own.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// IdempotencyKey is the key that WithIdempotencyKey gave; empty if there is none.
func IdempotencyKey(ctx context.Context) string {
	key, _ := ctx.Value(idempotencyKey{}).(string)
	return key
}

// NewIdempotencyKey returns a random key.
func NewIdempotencyKey() string { return uuid.NewString() }

// conn routes every method to the endpoint that discovery gave for it, and is
// the one place where calls get their headers, their retries, their errors and
// their trace. It stands outside of the SDK's own interceptors, so that a failed
// token request is seen like any other failure.
type conn struct{ client *Client }

var _ grpc.ClientConnInterface = conn{}

// Backoff of UNAVAILABLE, unless the cloud says when to come back: 5 attempts over about 3 s. An outage longer than that
// should fail the run with its cause and not with a timeout.
const (
	maxAttempts  = 5
	firstBackoff = 200 * time.Millisecond
)

func (c conn) Invoke(ctx context.Context, path string, args, reply any, opts ...grpc.CallOption) error {
	method := strings.TrimPrefix(path, "/")
	key := cmp.Or(IdempotencyKey(ctx), NewIdempotencyKey())
	if !mutates(method) {
		key = ""
	}
	if c.client.callTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.client.callTimeout)
		defer cancel()
	}
	backoff, renewed := firstBackoff, false
	for attempt := 1; ; attempt++ {
		before := c.client.renewal.get()
		err := c.attempt(ctx, Call{Method: method, Attempt: attempt, IdempotencyKey: key, Request: args, Answer: reply}, args, reply, opts)
		if err == nil {
			return nil
		}
		if err.Code == codes.Unauthenticated && !renewed && c.client.renew(ctx, before) {
			renewed = true
			continue
		}
		wait, again := retryAfter(err, backoff)
		if !again || attempt == maxAttempts || !pause(ctx, wait) {
			return err
		}
		backoff *= 2
	}
}

// retryAfter says how long to wait before a call that failed is made again, if it
// may be: nobody answered, or the answer was to come back later (RetryInfo).
func retryAfter(err *Error, backoff time.Duration) (time.Duration, bool) {
	if err.Code == codes.Unavailable {
		return backoff, true
	}
	s, _ := status.FromError(err.cause)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok && err.Code == codes.ResourceExhausted {
			return max(info.GetRetryDelay().AsDuration(), backoff), true
		}
	}
	return 0, false
}

func (c conn) attempt(ctx context.Context, call Call, args, reply any, opts []grpc.CallOption) *Error {
	call.ClientRequestID = uuid.NewString()
	pairs := headers{headerClientRequest, call.ClientRequestID, headerClientTrace, c.client.traceID}
	if call.IdempotencyKey != "" {
		pairs = append(pairs, headerIdempotency, call.IdempotencyKey)
	}
	var header, trailer metadata.MD
	opts = append(opts[:len(opts):len(opts)], grpc.Header(&header), grpc.Trailer(&trailer))
	call.Start = time.Now()
	err := c.invoke(context.WithValue(ctx, headersKey{}, pairs), call.Method, args, reply, opts)
	call.Duration = time.Since(call.Start)
	call.RequestID = firstOf(header, trailer, headerRequest, headerServerRequest)
	var failed *Error
	if err != nil {
		failed = newError(call.Method, err, call.ClientRequestID, call.RequestID)
		call.Code, call.Err = failed.Code, failed
	}
	if c.client.trace != nil {
		c.client.trace(call)
	}
	return failed
}

type (
	headers    []string
	headersKey struct{}
)

// addHeaders sends a call's headers. It is an interceptor inside of the SDK's,
// which would otherwise send them, idempotency key and all, with the token
// request that it makes with the call's context.
func (r *renewal) addHeaders(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	pairs, _ := ctx.Value(headersKey{}).(headers)
	ctx = metadata.AppendToOutgoingContext(ctx, pairs...)
	if md, ok := metadata.FromOutgoingContext(ctx); ok && len(md.Get(headerAuthorization)) > 0 {
		if token := r.get(); !token.IsZero() {
			md.Set(headerAuthorization, "Bearer "+token.Reveal())
			ctx = metadata.NewOutgoingContext(ctx, md)
		}
	}
	return invoke(ctx, method, req, reply, cc, opts...)
}

func (c conn) invoke(ctx context.Context, method string, args, reply any, opts []grpc.CallOption) error {
	name := protoreflect.FullName(strings.ReplaceAll(method, "/", "."))
	cc, err := c.client.sdk.GetConnection(ctx, name)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return status.Errorf(codes.FailedPrecondition, "the cloud's endpoint discovery knows no address for it: %v", err)
	}
	return cc.Invoke(ctx, "/"+method, args, reply, opts...)
}

// NewStream is never used: the APIs of the tutorial's resources are unary.
func (c conn) NewStream(_ context.Context, _ *grpc.StreamDesc, method string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Errorf(codes.Unimplemented, "%s is a streaming call, which this client does not make", method)
}

// mutates reports whether a method changes anything, by the verbs of the API
// design guide: everything but reads.
func mutates(method string) bool {
	_, verb, _ := strings.Cut(method, "/")
	return !strings.HasPrefix(verb, "Get") && !strings.HasPrefix(verb, "List")
}

func firstOf(header, trailer metadata.MD, names ...string) string {
	for _, name := range names {
		for _, md := range []metadata.MD{header, trailer} {
			if v := md.Get(name); len(v) > 0 {
				return v[0]
			}
		}
	}
	return ""
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
