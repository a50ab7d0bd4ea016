package objectstore

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// translate makes a *cloud.Error of what the SDK returned, so that refusals,
// failing servers and silence are told apart as those of every other API are.
func translate(action string, err error) error {
	if err == nil {
		return nil
	}
	var failed *cloud.Error
	if errors.As(err, &failed) { // no token could be had
		return failed
	}
	method := "storage/" + action
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() == 0 {
		return cloud.NewError(method, silence(err), err.Error(), "", err)
	}
	message := http.StatusText(answer.HTTPStatusCode())
	var said smithy.APIError
	if errors.As(err, &said) {
		message = said.ErrorCode() + ": " + cmp.Or(said.ErrorMessage(), message)
	}
	return cloud.NewError(method, code(answer.HTTPStatusCode()), message, answer.ServiceRequestID(), err)
}

// silence is the code of no answer at all.
func silence(err error) codes.Code {
	switch {
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	}
	return codes.Unavailable
}

// code is the one that an HTTP status stands for. A 409 of the storage is a bucket
// that is not empty.
func code(status int) codes.Code {
	if status == http.StatusConflict {
		return codes.FailedPrecondition
	}
	return cloud.CodeOfHTTP(status)
}
