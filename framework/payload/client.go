package payload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// Method stands for the call in errors.
const Method = "GET /lockbox/v1/secrets/{id}/payload"

// maxBody bounds, in bytes, what is read of an answer: a version's values have at
// most 64 KB, and as base64 a third more.
const maxBody = 1 << 20

// Client reads payloads. Time limits come from the context.
type Client struct {
	// Endpoint is the base URL (configuration key payload_endpoint).
	Endpoint string
	// HTTP defaults to http.DefaultClient.
	HTTP *http.Client
	// UserAgent names the caller, such as (*cloud.Client).UserAgent.
	UserAgent string
}

// Request is one reading of a payload.
type Request struct {
	SecretID string
	// VersionID is the version; empty is the current one.
	VersionID string
	// Authorization is the header of that name, as Bearer makes it. Zero: the request
	// has none.
	Authorization config.Secret
}

// Bearer is the Authorization header of an IAM token.
func Bearer(token string) config.Secret { return config.NewSecret("Bearer " + token) }

// Get reads a payload. The error is a *cloud.Error, or an *UnexpectedError for an
// answer that is neither a payload nor a refusal.
func (c *Client) Get(ctx context.Context, r Request) (Payload, error) {
	answer, err := c.Ask(ctx, r)
	if err != nil {
		return Payload{}, err
	}
	return answer.Payload()
}

// Ask makes the request and returns whatever was answered. The error is a
// *cloud.Error of the class transport: there was no answer.
func (c *Client) Ask(ctx context.Context, r Request) (Answer, error) {
	target, err := url.JoinPath(c.Endpoint, "lockbox/v1/secrets", r.SecretID, "payload")
	if err != nil {
		return Answer{}, fmt.Errorf("the payload endpoint %q is no URL; set payload_endpoint", c.Endpoint)
	}
	if r.VersionID != "" {
		target += "?" + url.Values{"versionId": {r.VersionID}}.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return Answer{}, fmt.Errorf("the payload endpoint %q is no URL; set payload_endpoint", c.Endpoint)
	}
	if !r.Authorization.IsZero() {
		request.Header.Set("Authorization", r.Authorization.Reveal())
	}
	request.Header.Set("User-Agent", c.UserAgent)
	answer, err := cmp.Or(c.HTTP, http.DefaultClient).Do(request)
	if err != nil {
		return Answer{}, silence(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return Answer{}, silence(err)
	}
	return Answer{Status: answer.StatusCode, Header: answer.Header, Body: body}, nil
}

// silence is no answer at all.
func silence(err error) error {
	code := codes.Unavailable
	switch {
	case errors.Is(err, context.Canceled):
		code = codes.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		code = codes.DeadlineExceeded
	}
	return cloud.NewError(Method, code, err.Error(), "", err)
}
