package cloud

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is a call, or the operation it started, that failed.
type Error struct {
	// Doing is what was being done, as a verb and its object: "creating network
	// wlif-abc-net in folder b1g...". Empty: the method stands in for it.
	Doing string
	// Method is the full gRPC method name without the leading slash.
	Method string
	// Code and Message are what was answered. Message has no tokens in it.
	Code    codes.Code
	Message string
	Class   Class
	// RequestID is the server's; ClientRequestID is the one that was sent.
	RequestID, ClientRequestID string
	// OperationID is set if the call was accepted and its operation failed.
	OperationID string
	// Hint is what the user can do, or empty.
	Hint string

	cause error
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Doing != "" {
		b.WriteString(e.Doing + ": ")
	}
	b.WriteString(e.Method)
	if e.OperationID != "" {
		b.WriteString(", operation " + e.OperationID)
	}
	if e.Class == ClassTransport {
		fmt.Fprintf(&b, " got no answer (%s): %s", e.Code, e.Message)
	} else {
		fmt.Fprintf(&b, " answered %s: %s", e.Code, e.Message)
	}
	if e.RequestID != "" {
		b.WriteString(" (request id " + e.RequestID + ")")
	} else if e.ClientRequestID != "" {
		b.WriteString(" (client request id " + e.ClientRequestID + ")")
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap gives the error of gRPC or the context.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus lets status.FromError see the code through an Error.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// Permanent reports whether trying again cannot help.
func (e *Error) Permanent() bool { return e.Class != ClassRetryable && e.Class != ClassTransport }

// While says what was being done when err happened. An error that says so
// already, or that is not from this package, is returned as it is.
func While(err error, doing string) error {
	var e *Error
	if !errors.As(err, &e) || e.Doing != "" {
		return err
	}
	described := *e
	described.Doing = doing
	return &described
}

// hints says what a user can do about a class of failure.
var hints = map[Class]string{
	// Neither the code nor a stable text tells these reasons apart.
	ClassPermission: "unless the answer names another reason (a preview without access, an organization's policy), " +
		"the account lacks a role; README lists those it needs",
	ClassQuota:           "raise the quota or delete what is not needed (wlif sweep lists leftovers)",
	ClassUnauthenticated: "check the credentials (YC_TOKEN, YC_IAM_TOKEN, YC_SERVICE_ACCOUNT_KEY_FILE, --instance-metadata); IAM tokens live at most 12 hours",
	ClassTransport:       "check the endpoint, the network and the trusted certificates (SSL_CERT_FILE)",
	ClassAlreadyExists:   "wlif sweep deletes what an earlier run left behind",
}

// NewError is what an API of the cloud that does not speak gRPC answered, under
// the code that its HTTP status stands for. cause may be nil, requestID empty.
func NewError(method string, code codes.Code, message, requestID string, cause error) *Error {
	e := newError(method, status.Error(code, message), "", requestID)
	if cause != nil {
		e.cause = cause
	}
	return e
}

// newError classes err. ids may be empty.
func newError(method string, err error, clientID, serverID string) *Error {
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err)
	}
	if nested, ok := tokenFailure(s); ok {
		s, method = nested, "yandex.cloud.iam.v1.IamTokenService/Create"
	}
	class := classOfCode(s.Code())
	return &Error{Method: method, Code: s.Code(), Message: scrub(s.Message()), Class: class,
		RequestID: serverID, ClientRequestID: clientID, Hint: hints[class], cause: err}
}

// tokens matches everything that authenticates anybody: IAM tokens (pattern of
// the IAM documentation), OAuth tokens, JSON Web Tokens.
var tokens = regexp.MustCompile(`t1\.[A-Za-z0-9_=.-]{16,}|y[0-3]_[A-Za-z0-9_-]{16,}|eyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){1,2}`)

// scrub removes tokens that a server echoed.
func scrub(text string) string { return tokens.ReplaceAllString(text, "[redacted]") }
