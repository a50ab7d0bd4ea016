package cloud

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	ycsdk "github.com/yandex-cloud/go-sdk/v2"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"github.com/yandex-cloud/go-sdk/v2/pkg/options"
	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// Options says which cloud, as whom, and who is told of the calls.
type Options struct {
	// Endpoint is the discovery endpoint, host:port; empty means the real cloud's.
	Endpoint    string
	Credentials config.Credentials
	// Own, if set, is a credential of the caller's own, in place of Credentials.
	Own credentials.Credentials
	// RunID goes into the user agent, so that an audit log can tell runs apart. The
	// SDK's own discovery and token requests do not carry it.
	RunID string
	// CallTimeout bounds one call with its retries; 0 means a minute.
	CallTimeout time.Duration
	// Trace is told of every attempt of every call. It must be quick and safe for
	// concurrent use.
	Trace func(Call)
}

// Client is a connection to a cloud. It is safe for concurrent use.
type Client struct {
	sdk         *ycsdk.SDK
	trace       func(Call)
	callTimeout time.Duration
	traceID     string
	userAgent   string

	tokenMu sync.Mutex
	token   Token
	renewal *renewal
}

// Connect discovers the endpoints and obtains a first IAM token, so that a wrong
// endpoint and wrong credentials are known before anything is created.
func Connect(ctx context.Context, o Options) (*Client, error) {
	creds := o.Own
	if creds == nil {
		var err error
		if creds, err = sdkCredentials(o.Credentials); err != nil {
			return nil, fmt.Errorf("connecting to the cloud: %w", err)
		}
	}
	if o.Endpoint == "" {
		o.Endpoint = config.DefaultEndpoint
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = time.Minute
	}
	own := &renewal{}
	dctx, cancel := context.WithTimeout(ctx, o.CallTimeout)
	defer cancel()
	sdk, err := ycsdk.Build(dctx,
		options.WithCredentials(creds),
		options.WithDiscoveryEndpoint(o.Endpoint),
		options.WithCustomDialOptions(grpc.WithUserAgent(userAgent(o.RunID)), grpc.WithChainUnaryInterceptor(own.addHeaders)))
	if err != nil {
		e := newError("yandex.cloud.endpoint.ApiEndpointService/List", err, "", "")
		e.Doing = "discovering the endpoints at " + o.Endpoint
		return nil, e
	}
	c := &Client{sdk: sdk, trace: o.Trace, callTimeout: o.CallTimeout, traceID: uuid.NewString(), userAgent: userAgent(o.RunID), renewal: own}
	if _, err := c.IAMToken(dctx); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

func userAgent(runID string) string {
	if runID == "" {
		return "wlif-conformance"
	}
	return "wlif-conformance/" + runID
}

// UserAgent is what every call names itself, with the run's id: for clients of
// the cloud's other APIs.
func (c *Client) UserAgent() string { return c.userAgent }

// Close ends all connections.
func (c *Client) Close(ctx context.Context) error { return c.sdk.Shutdown(ctx) }

// Conn reaches every API of the cloud; the accessors below are made of it.
func (c *Client) Conn() grpc.ClientConnInterface { return conn{c} }

// Token is an IAM token.
type Token struct {
	Value config.Secret
	// ExpiresAt is zero if nobody knows (a token that was given as such).
	ExpiresAt time.Time
}

// tokenMargin is how long before its end a token is replaced.
const tokenMargin = time.Minute

// IAMToken returns a token of the client's own account, cached until shortly
// before it expires. The Kubernetes API of a managed cluster takes it as a bearer
// token.
func (c *Client) IAMToken(ctx context.Context) (Token, error) {
	c.tokenMu.Lock()
	defer c.tokenMu.Unlock()
	if !c.token.Value.IsZero() && (c.token.ExpiresAt.IsZero() || time.Until(c.token.ExpiresAt) > tokenMargin) {
		return c.token, nil
	}
	t, err := c.sdk.CreateIAMToken(ctx)
	if err != nil {
		e := newError("yandex.cloud.iam.v1.IamTokenService/Create", err, "", "")
		e.Doing = "obtaining an IAM token"
		return Token{}, e
	}
	c.token = Token{Value: config.NewSecret(t.GetIamToken()), ExpiresAt: t.GetExpiresAt()}
	return c.token, nil
}
