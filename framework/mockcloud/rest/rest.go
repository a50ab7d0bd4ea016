package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strings"

	// The runtime half of grpc-gateway alone: its generated half would be one
	// more copy of what the descriptors say.
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// maxBody is the most a gRPC server of the mock would take (grpc-go's default).
const maxBody = 4 << 20

// New makes the REST API of services. conn leads to a gRPC server that serves
// them behind the gate. A method that the option gives no path is not served.
func New(k *kernel.Kernel, conn grpc.ClientConnInterface, services []kernel.Service) (http.Handler, error) {
	t := &transcoder{k: k, conn: conn}
	t.mux = runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &marshaler{policy: strict()}),
		runtime.WithIncomingHeaderMatcher(incoming),
		runtime.WithOutgoingHeaderMatcher(outgoing),
		runtime.WithOutgoingTrailerMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithRoutingErrorHandler(unrouted),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
	)
	for _, s := range services {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(s.Desc.ServiceName))
		if err != nil {
			return nil, fmt.Errorf("REST API of %s: %w", s.Desc.ServiceName, err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			if err := t.method(methods.Get(i), s.Rules[string(methods.Get(i).Name())]); err != nil {
				return nil, fmt.Errorf("REST API of %s: %w", methods.Get(i).FullName(), err)
			}
		}
	}
	return t.mux, nil
}

type transcoder struct {
	k    *kernel.Kernel
	conn grpc.ClientConnInterface
	mux  *runtime.ServeMux
}

// method serves every binding of a method, whose rule says what a call concerns.
func (t *transcoder) method(m protoreflect.MethodDescriptor, needs kernel.Rule) error {
	rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	if rule == nil || m.IsStreamingClient() || m.IsStreamingServer() {
		return nil
	}
	in, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
	if err != nil {
		return err
	}
	out, err := protoregistry.GlobalTypes.FindMessageByName(m.Output().FullName())
	if err != nil {
		return err
	}
	for _, b := range append([]*annotations.HttpRule{rule}, rule.AdditionalBindings...) {
		call := &binding{t: t, method: fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name()), in: in, out: out, body: b.Body, needs: needs}
		if b.ResponseBody != "" {
			return errors.New("response_body is not supported")
		}
		if b.Body != "" && b.Body != "*" {
			field := m.Input().Fields().ByName(protoreflect.Name(b.Body))
			if field == nil || field.Message() == nil || field.IsList() || field.IsMap() {
				return fmt.Errorf("body names %s, which is no message field", b.Body)
			}
		}
		verb, path := pattern(b)
		if err := t.mux.HandlePath(verb, path, call.serve); err != nil {
			return fmt.Errorf("%s %s: %w", verb, path, err)
		}
	}
	return nil
}

func pattern(b *annotations.HttpRule) (verb, path string) {
	switch p := b.Pattern.(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Put:
		return http.MethodPut, p.Put
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, p.Delete
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, p.Patch
	case *annotations.HttpRule_Custom:
		return p.Custom.Kind, p.Custom.Path
	}
	return "", ""
}

// binding is one HTTP method and path of a gRPC method.
type binding struct {
	t       *transcoder
	method  string
	in, out protoreflect.MessageType
	// body is the field that the HTTP body holds, "*" for all, "" for none.
	body  string
	needs kernel.Rule
}

func (b *binding) serve(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	mux, policy := b.t.mux, strict()
	ctx, err := runtime.AnnotateContext(r.Context(), mux, r, b.method)
	if err != nil {
		policy.refuse(r.Context(), mux, w, r, err)
		return
	}
	in, out := b.in.New().Interface(), b.out.New().Interface()
	if err := b.read(w, r, vars, in); err != nil {
		policy.refuse(ctx, mux, w, r, err)
		return
	}
	bugs.Apply(b.t.k.BugsOfCall(b.needs.For(in), access.Subject{}), deviations, &policy)
	var md runtime.ServerMetadata
	err = b.t.conn.Invoke(ctx, b.method, in, out, grpc.Header(&md.HeaderMD), grpc.Trailer(&md.TrailerMD))
	ctx = runtime.NewServerMetadataContext(ctx, md)
	if err != nil {
		policy.refuse(ctx, mux, w, r, err)
		return
	}
	policy.write(answer{ctx: ctx, mux: mux, w: w, r: r, out: out, policy: policy})
}

// read fills the request from the body, then the query, then the path.
func (b *binding) read(w http.ResponseWriter, r *http.Request, vars map[string]string, in proto.Message) error {
	if b.body != "" {
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			return &runtime.HTTPStatusError{HTTPStatus: http.StatusRequestEntityTooLarge, Err: status.Errorf(codes.InvalidArgument, "The request body is larger than %d bytes", maxBody)}
		case err != nil:
			return status.Error(codes.Canceled, "The request body ended early")
		}
		to := in
		if b.body != "*" {
			m := in.ProtoReflect()
			to = m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(b.body))).Message().Interface()
		}
		if err := unmarshal(raw, to); err != nil {
			return err
		}
	}
	if err := readQuery(in, r.URL.RawQuery, vars); err != nil {
		return err
	}
	for name, value := range vars {
		if err := runtime.PopulateFieldFromPath(in, name, value); err != nil {
			return status.Errorf(codes.InvalidArgument, "Path parameter %s: %v", name, err)
		}
	}
	return nil
}

// incoming says which headers go on. The gRPC client sets user-agent itself, so
// the caller's goes under the name that grpc-gateway has for it.
func incoming(header string) (string, bool) {
	switch key := textproto.CanonicalMIMEHeaderKey(header); key {
	case "Idempotency-Key", "X-Client-Request-Id", "X-Client-Trace-Id":
		return strings.ToLower(key), true
	case "User-Agent":
		return runtime.MetadataPrefix + "user-agent", true
	}
	return "", false // authorization is always passed on by the runtime
}

// outgoing says which headers come back, under their own names.
func outgoing(key string) (string, bool) {
	switch key {
	case "x-request-id", "x-server-request-id", "x-server-trace-id", "x-operation-poll-interval":
		return key, true
	}
	return "", false
}

// unrouted: what the real front end answers to an unknown path or a method that
// a path has not is a guess; both are a google.rpc.Status with NOT_FOUND.
func unrouted(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, httpStatus int) {
	err := status.Error(codes.NotFound, "Not Found")
	if httpStatus == http.StatusBadRequest {
		err = status.Error(codes.InvalidArgument, "Bad Request")
	}
	runtime.HTTPError(ctx, mux, m, w, r, err)
}
