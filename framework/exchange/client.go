package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultEndpoint is the real cloud's token endpoint.
const DefaultEndpoint = "https://auth.yandex.cloud/oauth/token"

// Values that the documentation fixes for every request
// (https://yandex.cloud/en/docs/iam/operations/wlif/setup-wlif).
const (
	GrantType          = "urn:ietf:params:oauth:grant-type:token-exchange"
	RequestedTokenType = "urn:ietf:params:oauth:token-type:access_token"
	SubjectTokenType   = "urn:ietf:params:oauth:token-type:id_token"
)

// maxBody bounds, in bytes, what is read of an answer.
const maxBody = 1 << 20

// Client exchanges tokens at one endpoint. The zero value talks to the real
// cloud through http.DefaultClient.
type Client struct {
	// Endpoint defaults to DefaultEndpoint.
	Endpoint string
	// HTTP defaults to http.DefaultClient. Time limits come from the context.
	HTTP *http.Client
	// RunID goes into the user agent, so that an audit log can tell runs apart.
	RunID string
}

// Response is a successful answer (RFC 8693 section 2.2.1).
type Response struct {
	AccessToken Token
	TokenType   string
	// ExpiresIn is the token's life, in whole seconds on the wire.
	ExpiresIn time.Duration
	// IssuedTokenType is demanded by the RFC; the cloud's documentation does not show it.
	IssuedTokenType string
	RequestID       string
	Header          http.Header
}

// Form is the request that the tutorial makes: subjectToken for an IAM token of
// the service account.
func Form(subjectToken Token, serviceAccountID string) url.Values {
	return url.Values{
		"grant_type":           {GrantType},
		"requested_token_type": {RequestedTokenType},
		"audience":             {serviceAccountID},
		"subject_token":        {subjectToken.Reveal()},
		"subject_token_type":   {SubjectTokenType},
	}
}

// formType is the content type of the request (RFC 8693 section 2.1).
const formType = "application/x-www-form-urlencoded"

// Exchange posts the form. The error is a *Refusal, *ServerError,
// *TransportError, *PageError or *UnexpectedError.
func (c *Client) Exchange(ctx context.Context, form url.Values) (Response, error) {
	return c.Send(ctx, http.MethodPost, formType, form.Encode())
}

// Send makes a request that may not be the documented one: another method, another
// content type ("" for none), any body. GET puts the body into the query.
func (c *Client) Send(ctx context.Context, method, contentType, content string) (Response, error) {
	endpoint := cmp.Or(c.Endpoint, DefaultEndpoint)
	target, sent := endpoint, content
	if method == http.MethodGet {
		target, sent = endpoint+"?"+content, ""
	}
	request, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(sent))
	if err != nil {
		return Response{}, &TransportError{endpoint, errors.New("the request cannot be made")}
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("Accept", "application/json")
	if c.RunID != "" {
		request.Header.Set("User-Agent", "wlif-conformance/"+c.RunID)
	}
	answer, err := cmp.Or(c.HTTP, http.DefaultClient).Do(request)
	if err != nil {
		var failed *url.Error // names the whole URL, which may hold the token
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return Response{}, &TransportError{endpoint, err}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return Response{}, &TransportError{endpoint, fmt.Errorf("reading the answer: %w", err)}
	}
	return parse(answer, body, subjectToken(content))
}

// body has the fields of both kinds of answer.
type body struct {
	AccessToken      string `json:"access_token"`
	TokenType        string `json:"token_type"`
	ExpiresIn        int64  `json:"expires_in"`
	IssuedTokenType  string `json:"issued_token_type"`
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
}

func parse(answer *http.Response, raw []byte, sent Token) (Response, error) {
	id := cmp.Or(answer.Header.Get("X-Request-Id"), answer.Header.Get("X-Ya-Request-Id"))
	if answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests {
		return Response{}, &ServerError{answer.StatusCode, id}
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if kind == "text/html" && answer.StatusCode == http.StatusOK {
		return Response{}, &PageError{answer.Request.URL.Host}
	}
	var parsed body
	notJSON := json.Unmarshal(raw, &parsed)
	unexpected := func(reason string) (Response, error) {
		return Response{}, &UnexpectedError{answer.StatusCode, reason, id, parsed.AccessToken != ""}
	}
	if kind != "application/json" {
		return unexpected(fmt.Sprintf("its content type is %q, not application/json", kind))
	}
	if notJSON != nil {
		return unexpected("its body is not the JSON of RFC 6749")
	}
	switch {
	case answer.StatusCode >= 400 && parsed.AccessToken != "":
		return unexpected("it has an access token beside the error")
	case answer.StatusCode >= 400 && parsed.Error == "":
		return unexpected("it has no error code")
	case answer.StatusCode >= 400:
		return Response{}, &Refusal{answer.StatusCode, sent.cut(parsed.Error), sent.cut(parsed.ErrorDescription), id, sent.within(raw)}
	case answer.StatusCode != http.StatusOK:
		return unexpected("only 200 is a success")
	case parsed.AccessToken == "":
		return unexpected("it has no access token")
	case !strings.EqualFold(parsed.TokenType, "Bearer"):
		return unexpected(fmt.Sprintf("its token type is %q, not Bearer", parsed.TokenType))
	}
	return Response{
		AccessToken: Token(parsed.AccessToken), TokenType: parsed.TokenType, IssuedTokenType: parsed.IssuedTokenType,
		ExpiresIn: time.Duration(parsed.ExpiresIn) * time.Second, RequestID: id, Header: answer.Header,
	}, nil
}
