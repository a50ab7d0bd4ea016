package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

func oauth() config.Credentials {
	return config.Credentials{Token: config.NewSecret("y0_secret_oauth_token")}
}

func connect(t *testing.T, f *fake, o cloud.Options) *cloud.Client {
	t.Helper()
	o.Endpoint = f.addr
	if !o.Credentials.Given() {
		o.Credentials = oauth()
	}
	c, err := cloud.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
	return c
}

func asError(t *testing.T, err error) *cloud.Error {
	t.Helper()
	var e *cloud.Error
	if !errors.As(err, &e) {
		t.Fatalf("want a *cloud.Error, have %T: %v", err, err)
	}
	return e
}

func wrap(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCallsCarryIdentityAndIDs(t *testing.T) {
	f := newFake(t)
	f.create = func(context.Context, int) (*operation.Operation, error) { return &operation.Operation{Id: "op"}, nil }
	f.get = func(context.Context, int) (*vpc.Network, error) { return &vpc.Network{Id: "enp"}, nil }
	var mu sync.Mutex
	var traced []cloud.Call
	c := connect(t, f, cloud.Options{RunID: "abcdefgh", Trace: func(call cloud.Call) {
		mu.Lock()
		defer mu.Unlock()
		traced = append(traced, call)
	}})
	if _, err := c.Networks().Create(cloud.WithIdempotencyKey(t.Context(), "the-key"), &vpc.CreateNetworkRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Networks().Get(t.Context(), &vpc.GetNetworkRequest{NetworkId: "enp"}); err != nil {
		t.Fatal(err)
	}
	if got := f.headers("idempotency-key"); !slices.Equal(got, []string{"the-key"}) {
		t.Errorf("idempotency keys %v: the create has one, the get none", got)
	}
	if got := f.headers("authorization"); len(got) != 2 || got[0] != "Bearer t1.fake" {
		t.Errorf("authorization %v", got)
	}
	// The SDK's token requests have its own user agent.
	agents := slices.DeleteFunc(f.headers("user-agent"), func(a string) bool { return strings.HasPrefix(a, "grpc-go/") })
	if len(agents) != 2 || !strings.HasPrefix(agents[0], "wlif-conformance/abcdefgh ") || agents[1] != agents[0] {
		t.Errorf("user agents %q", agents)
	}
	if len(traced) != 2 || traced[0].Method != "yandex.cloud.vpc.v1.NetworkService/Create" || traced[0].IdempotencyKey != "the-key" ||
		traced[0].RequestID != "create-1" || traced[0].ClientRequestID == "" || traced[0].Code != codes.OK {
		t.Errorf("traced %+v", traced)
	}
	if got := f.headers("x-client-request-id"); !slices.Equal(got, []string{traced[0].ClientRequestID, traced[1].ClientRequestID}) {
		t.Errorf("client request ids %v", got)
	}
}

// UNAVAILABLE is repeated with the same key; everything else is not.
func TestRetries(t *testing.T) {
	f := newFake(t)
	c := connect(t, f, cloud.Options{})
	f.create = func(_ context.Context, attempt int) (*operation.Operation, error) {
		if attempt < 3 {
			return nil, status.Error(codes.Unavailable, "try again")
		}
		return &operation.Operation{Id: "op"}, nil
	}
	if _, err := c.Networks().Create(t.Context(), &vpc.CreateNetworkRequest{}); err != nil {
		t.Fatal(err)
	}
	keys := f.headers("idempotency-key")
	if f.called("create") != 3 || len(keys) != 3 || keys[0] != keys[1] || keys[1] != keys[2] {
		t.Errorf("%d calls with keys %v", f.called("create"), keys)
	}
	for _, code := range []codes.Code{codes.Aborted, codes.Internal, codes.ResourceExhausted, codes.PermissionDenied, codes.DeadlineExceeded} {
		before := f.called("get")
		f.get = func(context.Context, int) (*vpc.Network, error) { return nil, status.Error(code, "no") }
		if _, err := c.Networks().Get(t.Context(), &vpc.GetNetworkRequest{}); err == nil || f.called("get") != before+1 {
			t.Errorf("%s: %d calls, error %v", code, f.called("get")-before, err)
		}
	}
}

// A cloud that says when to come back is asked again then, with the same key.
func TestComesBackWhenTold(t *testing.T) {
	f := newFake(t)
	c := connect(t, f, cloud.Options{})
	const wait = 300 * time.Millisecond
	f.create = func(_ context.Context, attempt int) (*operation.Operation, error) {
		if attempt < 3 {
			st, err := status.New(codes.ResourceExhausted, "later").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
			if err != nil {
				t.Error(err)
			}
			return nil, st.Err()
		}
		return &operation.Operation{Id: "op"}, nil
	}
	began := time.Now()
	if _, err := c.Networks().Create(t.Context(), &vpc.CreateNetworkRequest{}); err != nil {
		t.Fatal(err)
	}
	if keys := f.headers("idempotency-key"); len(keys) != 3 || keys[0] != keys[2] || time.Since(began) < 2*wait {
		t.Errorf("keys %v in %s", keys, time.Since(began))
	}
}

// A token that the cloud refuses before its time is replaced once, if there is
// another.
func TestRefusedTokenIsRenewed(t *testing.T) {
	for name, tc := range map[string]struct {
		own   string // token of the account; "" is a new one each time
		good  string // what the cloud takes
		calls int    // of the API until the second call has ended
		works bool
	}{
		"renewed":                {"", "Bearer t1.token2", 3, true}, // the second call has it at once
		"refused for good":       {"", "nothing", 4, false},
		"there is only one":      {"t1.only", "nothing", 2, false},
		"nothing was the matter": {"", "Bearer t1.token1", 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.issue = func(*iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
				return &iam.CreateIamTokenResponse{IamToken: fmt.Sprintf("t1.token%d", max(1, f.called("token")-1)), ExpiresAt: timestamppb.New(time.Now().Add(time.Hour))}, nil
			}
			o := cloud.Options{}
			if tc.own != "" {
				o.Credentials = config.Credentials{IAMToken: config.NewSecret(tc.own)}
			}
			c := connect(t, f, o)
			f.get = func(ctx context.Context, _ int) (*vpc.Network, error) {
				md, _ := metadata.FromIncomingContext(ctx)
				if got := md.Get("authorization"); len(got) != 1 || got[0] != tc.good {
					return nil, status.Error(codes.Unauthenticated, "expired")
				}
				return &vpc.Network{}, nil
			}
			for range 2 {
				if _, err := c.Networks().Get(t.Context(), &vpc.GetNetworkRequest{}); (err == nil) != tc.works || err != nil && cloud.ClassOf(err) != cloud.ClassUnauthenticated {
					t.Errorf("error %v", err)
				}
			}
			if f.called("get") != tc.calls {
				t.Errorf("%d calls, want %d", f.called("get"), tc.calls)
			}
		})
	}
}

func TestErrorsSayEverything(t *testing.T) {
	f := newFake(t)
	f.get = func(context.Context, int) (*vpc.Network, error) {
		return nil, status.Error(codes.PermissionDenied, "Permission denied for t1.9euelZqZlJyXabcdefghijkl.c2ln")
	}
	_, err := connect(t, f, cloud.Options{}).Networks().Get(t.Context(), &vpc.GetNetworkRequest{})
	err = cloud.While(err, "looking up network enp1")
	for _, want := range []string{"looking up network enp1: ", "yandex.cloud.vpc.v1.NetworkService/Get", "PermissionDenied", "Permission denied for [redacted]", "request id get-1", "unless the answer names another reason", "README"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %s", want, err)
		}
	}
	e := asError(t, err)
	if e.Class != cloud.ClassPermission || !e.Permanent() || status.Code(err) != codes.PermissionDenied {
		t.Errorf("class %s, permanent %t, code %s", e.Class, e.Permanent(), status.Code(err))
	}
	if again := cloud.While(err, "something else"); again.Error() != err.Error() {
		t.Errorf("the first description is the closest: %s", again)
	}
}

func TestUnknownServiceInDiscovery(t *testing.T) {
	f := newFake(t)
	f.ids = []string{"iam"}
	_, err := connect(t, f, cloud.Options{}).Networks().Get(t.Context(), &vpc.GetNetworkRequest{})
	if e := asError(t, err); e.Class != cloud.ClassPermanent || !strings.Contains(e.Message, "discovery knows no address") {
		t.Errorf("error %v", err)
	}
}

func TestClasses(t *testing.T) {
	seen := map[cloud.Class]bool{}
	for code, want := range map[codes.Code]cloud.Class{
		codes.InvalidArgument: cloud.ClassInvalid, codes.NotFound: cloud.ClassNotFound, codes.AlreadyExists: cloud.ClassAlreadyExists,
		codes.PermissionDenied: cloud.ClassPermission, codes.Unauthenticated: cloud.ClassUnauthenticated, codes.ResourceExhausted: cloud.ClassQuota,
		codes.FailedPrecondition: cloud.ClassPermanent, codes.Unimplemented: cloud.ClassPermanent, codes.Aborted: cloud.ClassRetryable,
		codes.Internal: cloud.ClassRetryable, codes.Unavailable: cloud.ClassTransport, codes.DeadlineExceeded: cloud.ClassTransport, codes.Code(99): cloud.ClassPermanent,
	} {
		if got := cloud.ClassOf(status.Error(code, "x")); got != want {
			t.Errorf("%s is %s, want %s", code, got, want)
		}
		seen[want] = true
	}
	for err, want := range map[error]cloud.Class{nil: cloud.ClassNone, context.Canceled: cloud.ClassTransport, errors.New("x"): cloud.ClassPermanent} {
		if got := cloud.ClassOf(err); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		if got := cloud.ClassOf(status.Error(code, "x")); (got == cloud.ClassNone) != (code == codes.OK) {
			t.Errorf("%s is %q", code, got)
		}
	}
}

func TestCredentials(t *testing.T) {
	f := newFake(t)
	f.get = func(ctx context.Context, _ int) (*vpc.Network, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		return &vpc.Network{Name: md.Get("authorization")[0]}, nil
	}
	var asked *iam.CreateIamTokenRequest
	issue := f.issue
	f.issue = func(r *iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) { asked = r; return issue(r) }
	for name, tc := range map[string]struct {
		credentials config.Credentials
		bearer      string
		exchanged   bool
	}{
		"OAuth token":           {oauth(), "Bearer t1.fake", true},
		"IAM token as YC_TOKEN": {config.Credentials{Token: config.NewSecret("t1.given")}, "Bearer t1.given", false},
		"IAM token":             {config.Credentials{IAMToken: config.NewSecret("t1.given")}, "Bearer t1.given", false},
	} {
		t.Run(name, func(t *testing.T) {
			asked = nil
			c := connect(t, f, cloud.Options{Credentials: tc.credentials})
			n, err := c.Networks().Get(t.Context(), &vpc.GetNetworkRequest{})
			if err != nil || n.GetName() != tc.bearer || (asked != nil) != tc.exchanged {
				t.Errorf("bearer %q, exchanged %t, error %v", n.GetName(), asked != nil, err)
			}
			token, err := c.IAMToken(t.Context())
			if err != nil || "Bearer "+token.Value.Reveal() != tc.bearer {
				t.Errorf("IAM token %q, error %v", token.Value.Reveal(), err)
			}
		})
	}
}

func TestIAMTokenIsCachedUntilShortlyBeforeItsEnd(t *testing.T) {
	f := newFake(t)
	lifetime := time.Hour
	f.issue = func(*iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
		return &iam.CreateIamTokenResponse{IamToken: "t1.x", ExpiresAt: timestamppb.New(time.Now().Add(lifetime))}, nil
	}
	for _, tc := range []struct {
		lifetime time.Duration
		issued   int
	}{{time.Hour, 1}, {30 * time.Second, 3}} {
		lifetime = tc.lifetime
		before := f.called("token")
		c := connect(t, f, cloud.Options{})
		for range 2 {
			if _, err := c.IAMToken(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := f.called("token") - before; got != tc.issued {
			t.Errorf("a token of %s was issued %d times, want %d", tc.lifetime, got, tc.issued)
		}
	}
}

// What goes wrong while connecting is known before anything is created, by its class.
func TestConnectFails(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(key, []byte(`{"private_key": "very secret"`), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	f.issue = func(*iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
		return nil, status.Error(codes.Unauthenticated, "The token y0_secret_oauth_token_123 is invalid")
	}
	closed := newFake(t)
	for name, tc := range map[string]struct {
		options cloud.Options
		class   cloud.Class
		want    string
	}{
		"refused token":  {cloud.Options{Endpoint: f.addr, Credentials: oauth()}, cloud.ClassUnauthenticated, "obtaining an IAM token"},
		"nobody listens": {cloud.Options{Endpoint: "127.0.0.1:1", Credentials: oauth()}, cloud.ClassTransport, "discovering the endpoints at 127.0.0.1:1: yandex.cloud.endpoint.ApiEndpointService/List got no answer (Unavailable)"},
		"certificate":    {cloud.Options{Endpoint: strings.Replace(closed.addr, "127.0.0.1", "localhost", 1), Credentials: oauth()}, cloud.ClassTransport, "SSL_CERT_FILE"},
		"bad key file":   {cloud.Options{Endpoint: f.addr, Credentials: config.Credentials{KeyFile: key}}, cloud.ClassPermanent, key},
		"no credentials": {cloud.Options{Endpoint: f.addr}, cloud.ClassPermanent, "YC_TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cloud.Connect(t.Context(), tc.options)
			if err == nil || cloud.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("class %s, want %s; error %v", cloud.ClassOf(err), tc.class, err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error has a secret in it: %v", err)
			}
		})
	}
}

// A token that cannot be renewed because IAM is down is no matter of credentials.
func TestUnreachableIAMIsNotUnauthenticated(t *testing.T) {
	f := newFake(t)
	c := connect(t, f, cloud.Options{})
	for code, want := range map[codes.Code]cloud.Class{codes.Unavailable: cloud.ClassTransport, codes.PermissionDenied: cloud.ClassPermission, codes.Unauthenticated: cloud.ClassUnauthenticated} {
		f.issue = func(*iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
			return nil, status.Error(code, "says IAM")
		}
		_, err := c.Networks().Get(t.Context(), &vpc.GetNetworkRequest{})
		e := asError(t, err)
		if e.Class != want || e.Method != "yandex.cloud.iam.v1.IamTokenService/Create" || !strings.Contains(e.Message, "says IAM") {
			t.Errorf("%s: class %s, method %s: %v", code, e.Class, e.Method, err)
		}
	}
}

func TestWait(t *testing.T) {
	f := newFake(t)
	network := &vpc.Network{Id: "enp1", Name: "n"}
	f.poll = func(ctx context.Context, attempt int) (*operation.Operation, error) {
		// The server's own pace: at once.
		_ = grpc.SetHeader(ctx, metadata.Pairs("x-operation-poll-interval", "0"))
		switch attempt {
		case 1:
			return nil, status.Error(codes.NotFound, "not on this replica yet")
		case 2:
			return &operation.Operation{Id: "op1"}, nil
		default:
			return &operation.Operation{Id: "op1", Done: true, Result: &operation.Operation_Response{Response: wrap(t, network)}}, nil
		}
	}
	c := connect(t, f, cloud.Options{})
	got, polls := &vpc.Network{}, 0
	op := &operation.Operation{Id: "op1", Description: "Create network", Metadata: wrap(t, &vpc.CreateNetworkMetadata{NetworkId: "enp1"})}
	err := c.Wait(t.Context(), "m", op, got, func(p cloud.Progress) {
		polls++
		if p.OperationID != "op1" || p.Description != "Create network" || p.Polls != polls {
			t.Errorf("progress %+v", p)
		}
	})
	if err != nil || got.GetName() != "n" || polls != 3 {
		t.Errorf("network %v after %d polls, error %v", got, polls, err)
	}
	if id := cloud.ResourceID(op, "network_id"); id != "enp1" {
		t.Errorf("id %q", id)
	}
	for _, op := range []*operation.Operation{{}, op} {
		if id := cloud.ResourceID(op, "cluster_id"); id != "" {
			t.Errorf("an id from nowhere: %q", id)
		}
	}
}

func TestWaitFails(t *testing.T) {
	failed := &operation.Operation{Id: "op1", Done: true, Result: &operation.Operation_Error{Error: &statuspb.Status{Code: int32(codes.ResourceExhausted), Message: "Quota limit vpc.networks.count exceeded"}}}
	wrong := &operation.Operation{Id: "op1", Done: true, Result: &operation.Operation_Response{Response: wrap(t, &vpc.Subnet{})}}
	f := newFake(t)
	c := connect(t, f, cloud.Options{})
	for name, tc := range map[string]struct {
		op    *operation.Operation
		poll  func(ctx context.Context, attempt int) (*operation.Operation, error)
		class cloud.Class
		want  []string
	}{
		"operation failed": {&operation.Operation{Id: "op1"}, func(context.Context, int) (*operation.Operation, error) { return failed, nil },
			cloud.ClassQuota, []string{"op1", "Quota limit", "raise the quota"}},
		"failed at once": {failed, nil, cloud.ClassQuota, []string{"op1"}},
		"poll refused": {&operation.Operation{Id: "op1"}, func(context.Context, int) (*operation.Operation, error) {
			return nil, status.Error(codes.PermissionDenied, "no")
		}, cloud.ClassPermission, []string{"op1"}},
		"wrong response": {wrong, nil, cloud.ClassPermanent, []string{"op1", "Subnet", "yandex.cloud.vpc.v1.Network"}},
	} {
		t.Run(name, func(t *testing.T) {
			f.poll = tc.poll
			err := c.Wait(t.Context(), "the.Method/Create", tc.op, &vpc.Network{}, nil)
			e := asError(t, err)
			if e.Class != tc.class || e.OperationID != "op1" || e.Method != "the.Method/Create" {
				t.Errorf("error %+v", e)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	f := newFake(t)
	c := connect(t, f, cloud.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	f.poll = func(context.Context, int) (*operation.Operation, error) {
		cancel(errors.New("timeout.operation passed"))
		return &operation.Operation{Id: "op1"}, nil
	}
	err := c.Wait(ctx, "m", &operation.Operation{Id: "op1"}, nil, nil)
	if e := asError(t, err); e.Class != cloud.ClassTransport || !strings.Contains(err.Error(), "timeout.operation passed") || !strings.Contains(err.Error(), "op1") {
		t.Errorf("error %v", err)
	}
}
