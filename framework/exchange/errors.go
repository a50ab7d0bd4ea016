package exchange

import (
	"fmt"
	"net/http"
)

// Refusal is a 4xx with an OAuth error body (RFC 6749 section 5.2).
type Refusal struct {
	// Status is the HTTP status, 400 to 499 without 429.
	Status int
	// Code is the body's `error`, Description its `error_description`.
	Code        string
	Description string
	RequestID   string
	// Echo: the answer has the subject token in it, or one of its parts.
	Echo bool
}

// Error names status, code, description and request id.
func (e *Refusal) Error() string {
	return fmt.Sprintf("the token exchange was refused: %d %s: %s%s", e.Status, e.Code, e.Description, requestID(e.RequestID))
}

// ServerError is a 5xx, or the 429 of a server that is asked too much: nothing is
// said about the request.
type ServerError struct {
	Status    int
	RequestID string
}

// Error names status and request id.
func (e *ServerError) Error() string {
	return fmt.Sprintf("the token endpoint failed: %d %s%s", e.Status, http.StatusText(e.Status), requestID(e.RequestID))
}

// TransportError means that there was no answer.
type TransportError struct {
	Endpoint string
	Err      error
}

// Error names the endpoint and the cause.
func (e *TransportError) Error() string {
	return fmt.Sprintf("the token endpoint %s did not answer: %v", e.Endpoint, e.Err)
}

// Unwrap gives the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// PageError is a web page with the status of a success: a proxy or a login page
// answered instead of the token endpoint.
type PageError struct{ Host string }

// Error names the host.
func (e *PageError) Error() string {
	return fmt.Sprintf("a web page answered instead of the token endpoint at %s; is there a proxy or a login page on the way?", e.Host)
}

// UnexpectedError is an answer that is neither a token nor a refusal as the RFCs
// describe them, such as a 200 without a token or a 4xx that is not JSON.
type UnexpectedError struct {
	Status    int
	Reason    string
	RequestID string
	// Token: it has an IAM token in it all the same.
	Token bool
}

// Error says what is wrong with the answer, without quoting it.
func (e *UnexpectedError) Error() string {
	return fmt.Sprintf("the token endpoint answered %d, but %s%s", e.Status, e.Reason, requestID(e.RequestID))
}

func requestID(id string) string {
	if id == "" {
		return ""
	}
	return " (request id " + id + ")"
}
