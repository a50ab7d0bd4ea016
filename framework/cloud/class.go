package cloud

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Class says what kind of failure an error is, and so what to do about it.
type Class string

// The classes. Every gRPC code belongs to exactly one.
const (
	// ClassNone is no error.
	ClassNone Class = ""
	// ClassPermanent cannot be helped by trying again (FAILED_PRECONDITION,
	// UNIMPLEMENTED, OUT_OF_RANGE, DATA_LOSS, and errors that are no statuses).
	ClassPermanent Class = "permanent"
	// ClassRetryable may work later (ABORTED, and INTERNAL and UNKNOWN of the server).
	ClassRetryable Class = "retryable"
	// ClassPermission is PERMISSION_DENIED.
	ClassPermission Class = "permission"
	// ClassNotFound is NOT_FOUND.
	ClassNotFound Class = "not-found"
	// ClassAlreadyExists is ALREADY_EXISTS.
	ClassAlreadyExists Class = "already-exists"
	// ClassQuota is RESOURCE_EXHAUSTED.
	ClassQuota Class = "quota"
	// ClassUnauthenticated is UNAUTHENTICATED.
	ClassUnauthenticated Class = "unauthenticated"
	// ClassInvalid is INVALID_ARGUMENT.
	ClassInvalid Class = "invalid"
	// ClassTransport is no answer at all: UNAVAILABLE, a broken connection, a
	// certificate that is not trusted, a timeout of ours, a cancellation.
	ClassTransport Class = "transport"
)

var classes = map[codes.Code]Class{
	codes.OK:                 ClassNone,
	codes.Canceled:           ClassTransport,
	codes.Unknown:            ClassRetryable,
	codes.InvalidArgument:    ClassInvalid,
	codes.DeadlineExceeded:   ClassTransport,
	codes.NotFound:           ClassNotFound,
	codes.AlreadyExists:      ClassAlreadyExists,
	codes.PermissionDenied:   ClassPermission,
	codes.ResourceExhausted:  ClassQuota,
	codes.FailedPrecondition: ClassPermanent,
	codes.Aborted:            ClassRetryable,
	codes.OutOfRange:         ClassPermanent,
	codes.Unimplemented:      ClassPermanent,
	codes.Internal:           ClassRetryable,
	codes.Unavailable:        ClassTransport,
	codes.DataLoss:           ClassPermanent,
	codes.Unauthenticated:    ClassUnauthenticated,
}

// ClassOf returns the class of any error that a call of this package returned,
// however it is wrapped; ClassPermanent for an error from elsewhere.
func ClassOf(err error) Class {
	if err == nil {
		return ClassNone
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return ClassTransport
	}
	if s, ok := status.FromError(err); ok {
		return classOfCode(s.Code())
	}
	return ClassPermanent
}

func classOfCode(c codes.Code) Class {
	if class, ok := classes[c]; ok {
		return class
	}
	return ClassPermanent
}

// CodeOfHTTP is the code that an HTTP error status of the cloud's APIs stands for
// (https://yandex.cloud/en/docs/api-design-guide/concepts/errors-handling). Of
// several codes with one status it is the one without a state that could change.
func CodeOfHTTP(status int) codes.Code {
	switch status {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.NotFound
	case http.StatusConflict:
		return codes.AlreadyExists
	case http.StatusTooManyRequests:
		return codes.ResourceExhausted
	}
	if status >= http.StatusInternalServerError {
		return codes.Internal
	}
	return codes.InvalidArgument
}

// nestedCode finds the code of a failed token request in the text that the SDK
// makes of it: its middleware reports every such failure as UNAUTHENTICATED and
// keeps the cause as text only, so an unreachable IAM would look like a bad token.
var nestedCode = regexp.MustCompile(`(?s)iam Token create failed.*rpc error: code = (\w+) desc = (.*)$`)

// tokenFailure returns the status behind a failed token request.
func tokenFailure(s *status.Status) (*status.Status, bool) {
	m := nestedCode.FindStringSubmatch(s.Message())
	if s.Code() != codes.Unauthenticated || m == nil {
		return nil, false
	}
	for c := range classes {
		if c.String() == m[1] {
			return status.New(c, m[2]), true
		}
	}
	return nil, false
}
