package transcript

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	rpccode "google.golang.org/genproto/googleapis/rpc/code" // names codes as the API's documentation does
	"google.golang.org/grpc/codes"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// Of is an attempt of a call of the cloud's API, as cloud.Options.Trace tells of it.
func Of(c cloud.Call) journal.Called {
	var m mask
	out := journal.Called{
		Protocol: "gRPC", Method: c.Method, Attempt: c.Attempt, Took: c.Duration, RequestID: c.RequestID,
		Status: rpccode.Code(c.Code).String(), Failed: c.Code != codes.OK, //nolint:gosec // G115: a code has two digits
		Request: journal.Message{Header: map[string]string{}, Body: m.message(c.Request)},
	}
	if c.IdempotencyKey != "" {
		out.Request.Header["Idempotency-Key"] = c.IdempotencyKey
	}
	if c.ClientRequestID != "" {
		out.Request.Header["X-Client-Request-Id"] = c.ClientRequestID
	}
	if c.Err != nil {
		out.Error = m.clean(c.Err.Error())
		return out
	}
	out.Answer.Body = m.message(c.Answer)
	return out
}

// message renders a message in protobuf's JSON.
func (m *mask) message(of any) string {
	message, ok := of.(proto.Message)
	if !ok {
		return ""
	}
	raw, err := protojson.Marshal(message)
	if err != nil {
		return "[a message of a type that is not known]"
	}
	text, _ := m.json(raw)
	return text
}
