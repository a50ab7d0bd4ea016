package payload

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// Answer is what came back. It may hold secrets: nothing prints its body.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// String says of an answer what may be printed.
func (a Answer) String() string { return fmt.Sprintf("%d with %d bytes", a.Status, len(a.Body)) }

// Format keeps every verb from the body.
func (a Answer) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(a.String())) }

// RequestID is the header that the server names the request by; empty if there is
// none.
func (a Answer) RequestID() string { return a.Header.Get("X-Request-Id") }

// Payload is the payload of one version.
type Payload struct {
	Entries   []Entry `json:"entries"`
	VersionID string  `json:"versionId"`
}

// Entry is one key with its value, of which one form is set.
type Entry struct {
	Key       string  `json:"key"`
	TextValue *string `json:"textValue"`
	// BinaryValue is base64.
	BinaryValue *string `json:"binaryValue"`
}

// Bytes is the value. The error does not quote it.
func (e Entry) Bytes() ([]byte, error) {
	switch {
	case e.TextValue != nil && e.BinaryValue != nil:
		return nil, fmt.Errorf("the entry %q has both a textValue and a binaryValue", e.Key)
	case e.TextValue != nil:
		return []byte(*e.TextValue), nil
	case e.BinaryValue == nil:
		return nil, fmt.Errorf("the entry %q has neither a textValue nor a binaryValue", e.Key)
	}
	raw, err := base64.StdEncoding.DecodeString(*e.BinaryValue)
	if err != nil {
		return nil, fmt.Errorf("the binaryValue of the entry %q is not base64", e.Key)
	}
	return raw, nil
}

// Status is a google.rpc.Status, which every refusal of the cloud's REST API is
// (https://yandex.cloud/en/docs/api-design-guide/concepts/errors-handling).
type Status struct {
	Code    codes.Code `json:"code"`
	Message string     `json:"message"`
	Details []Detail   `json:"details"`
}

// Detail is a google.rpc.RequestInfo, or a detail of another type with RequestID
// empty.
type Detail struct {
	Type      string `json:"@type"`
	RequestID string `json:"requestId"`
}

// UnexpectedError is an answer that is neither a payload nor a refusal, such as a
// 200 without entries.
type UnexpectedError struct {
	Status            int
	Reason, RequestID string
}

// Error says what is wrong with the answer, without quoting it.
func (e *UnexpectedError) Error() string {
	id := ""
	if e.RequestID != "" {
		id = " (request id " + e.RequestID + ")"
	}
	return fmt.Sprintf("%s answered %d, but %s%s", Method, e.Status, e.Reason, id)
}

// Payload reads a success. Else the error is a *cloud.Error under the code that the
// HTTP status stands for, or an *UnexpectedError.
func (a Answer) Payload() (Payload, error) {
	if a.Status >= http.StatusBadRequest {
		return Payload{}, a.refusal()
	}
	unexpected := func(reason string) (Payload, error) {
		return Payload{}, &UnexpectedError{Status: a.Status, Reason: reason, RequestID: a.RequestID()}
	}
	var read Payload
	switch err := json.Unmarshal(a.Body, &read); {
	case a.Status != http.StatusOK:
		return unexpected("only 200 is a success")
	case err != nil:
		return unexpected("its body is not the JSON of a payload")
	case len(read.Entries) == 0:
		return unexpected("it has no entries")
	}
	return read, nil
}

// refusal is an answer with an error status. Its body says more where it is a
// google.rpc.Status of the same HTTP status.
func (a Answer) refusal() error {
	code, message := cloud.CodeOfHTTP(a.Status), http.StatusText(a.Status)
	var said Status
	if json.Unmarshal(a.Body, &said) == nil {
		if said.Message != "" {
			message = said.Message
		}
		// FAILED_PRECONDITION is 400, as INVALID_ARGUMENT is.
		if a.Status == http.StatusBadRequest && said.Code == codes.FailedPrecondition {
			code = said.Code
		}
	}
	return cloud.NewError(Method, code, message, a.RequestID(), nil)
}
