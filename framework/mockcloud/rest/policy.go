package rest

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// policy is how answers are written.
type policy struct {
	// fields has the last word on the JSON object of a message.
	fields func(proto.Message, map[string]any)
	// write answers with a message.
	write func(answer)
	// refuse writes an error.
	refuse func(context.Context, *runtime.ServeMux, http.ResponseWriter, *http.Request, error)
}

func strict() policy {
	return policy{fields: func(proto.Message, map[string]any) {}, write: answer.asJSON, refuse: refuse}
}

// answer is a message and where it goes.
type answer struct {
	ctx    context.Context
	mux    *runtime.ServeMux
	w      http.ResponseWriter
	r      *http.Request
	out    proto.Message
	policy policy
}

func (a answer) asJSON() {
	runtime.ForwardResponseMessage(a.ctx, a.mux, &marshaler{policy: a.policy}, a.w, a.r, a.out)
}

// asBinary is for whoever accepts everything.
func (a answer) asBinary() {
	if a.r.Header.Get("Accept") != "*/*" {
		a.asJSON()
		return
	}
	runtime.ForwardResponseMessage(a.ctx, a.mux, &runtime.ProtoMarshaller{}, a.w, a.r, a.out)
}

func refuse(ctx context.Context, mux *runtime.ServeMux, w http.ResponseWriter, r *http.Request, err error) {
	runtime.HTTPError(ctx, mux, &marshaler{policy: strict()}, w, r, err)
}

// deviations are the bugs that act here.
var deviations = map[string]func(*policy){
	"RESTSnakeCase":       ofPayloads(snakeCase),
	"RESTWithoutVersion":  ofPayloads(func(object map[string]any) { delete(object, "versionId") }),
	"RESTIsBinaryForCurl": func(p *policy) { p.write = answer.asBinary },
	"RESTRefusalIsText": func(p *policy) {
		p.refuse = func(_ context.Context, _ *runtime.ServeMux, w http.ResponseWriter, _ *http.Request, err error) {
			st := status.Convert(err)
			http.Error(w, st.Message(), runtime.HTTPStatusFromCode(st.Code()))
		}
	},
	"RESTRefusalIs200": func(p *policy) {
		p.refuse = func(ctx context.Context, mux *runtime.ServeMux, w http.ResponseWriter, r *http.Request, err error) {
			refuse(ctx, mux, always200{w}, r, err)
		}
	},
}

func ofPayloads(change func(map[string]any)) func(*policy) {
	return func(p *policy) {
		p.fields = func(m proto.Message, object map[string]any) {
			if _, ok := m.(*lockbox.Payload); ok {
				change(object)
			}
		}
	}
}

var capital = regexp.MustCompile(`[A-Z]`)

// snakeCase gives the fields the names of the descriptors.
func snakeCase(object map[string]any) {
	for name, value := range maps.Clone(object) {
		switch value := value.(type) {
		case map[string]any:
			snakeCase(value)
		case []any:
			for _, item := range value {
				if inner, ok := item.(map[string]any); ok {
					snakeCase(inner)
				}
			}
		}
		delete(object, name)
		object[capital.ReplaceAllStringFunc(name, func(c string) string { return "_" + strings.ToLower(c) })] = value
	}
}

// always200 tells of an error in the body alone.
type always200 struct{ http.ResponseWriter }

func (w always200) WriteHeader(int) { w.ResponseWriter.WriteHeader(http.StatusOK) }
