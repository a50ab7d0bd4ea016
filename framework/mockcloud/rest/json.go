package rest

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// marshaler writes JSON as the real cloud's has been recorded in public (answers
// of Lockbox): lowerCamelCase, RFC 3339 times, unset fields left out, but a false
// boolean written ("done": false, "deletionProtection": false).
type marshaler struct {
	runtime.JSONPb
	policy policy
}

// Marshal writes a message.
func (m *marshaler) Marshal(v any) ([]byte, error) {
	msg, ok := v.(proto.Message)
	if !ok {
		return m.JSONPb.Marshal(v)
	}
	raw, err := protojson.Marshal(msg)
	if err != nil {
		return nil, err
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	addFalse(msg.ProtoReflect(), tree)
	if object, ok := tree.(map[string]any); ok {
		m.policy.fields(msg, object)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err = enc.Encode(tree)
	return out.Bytes(), err
}

// addFalse writes the unset booleans of m into its JSON tree.
func addFalse(m protoreflect.Message, tree any) {
	object, ok := tree.(map[string]any)
	if !ok {
		return // a well-known type that is no object: a time, a duration, a wrapper
	}
	if packed, ok := m.Interface().(*anypb.Any); ok {
		if inner, err := packed.UnmarshalNew(); err == nil {
			addFalse(inner.ProtoReflect(), tree)
		}
		return
	}
	if strings.HasPrefix(string(m.Descriptor().FullName()), "google.protobuf.") {
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch name := f.JSONName(); {
		case f.Kind() == protoreflect.BoolKind && !f.IsList() && !f.IsMap() && !f.HasPresence():
			object[name] = m.Get(f).Bool()
		case !m.Has(f):
		case f.IsMap() && f.MapValue().Message() != nil:
			if inner, ok := object[name].(map[string]any); ok {
				m.Get(f).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
					addFalse(v.Message(), inner[k.String()])
					return true
				})
			}
		case f.IsList() && f.Message() != nil:
			if inner, ok := object[name].([]any); ok {
				for j := range inner {
					addFalse(m.Get(f).List().Get(j).Message(), inner[j])
				}
			}
		case !f.IsMap() && !f.IsList() && f.Message() != nil:
			addFalse(m.Get(f).Message(), object[name])
		}
	}
}

var (
	unknownField = regexp.MustCompile(`unknown field ("[^"]*")`)
	whereInJSON  = regexp.MustCompile(`\(?line \d+:\d+\)?`)
)

// unmarshal reads a body; an empty one is an empty message. An unknown field is
// refused, as Envoy's transcoder does by default (whether the real cloud's is set
// so is a guess). The answer does not repeat the body: it may hold a secret.
func unmarshal(raw []byte, to proto.Message) error {
	if len(raw) == 0 {
		return nil
	}
	err := protojson.Unmarshal(raw, to)
	if err == nil {
		return nil
	}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		return status.Errorf(codes.InvalidArgument, "Invalid JSON payload received. Unknown name %s: Cannot find field.", m[1])
	}
	return status.Errorf(codes.InvalidArgument, "Invalid JSON payload received. %s", whereInJSON.FindString(err.Error()))
}

// readQuery fills in the query parameters that the path has not set. One that
// names no field is refused (as for a body).
func readQuery(in proto.Message, raw string, vars map[string]string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return status.Error(codes.InvalidArgument, "The query string cannot be read")
	}
	for key := range query {
		field, top := fieldAt(in.ProtoReflect().Descriptor(), key)
		if field == nil {
			return status.Errorf(codes.InvalidArgument, "Invalid query parameter. Unknown name %q: Cannot find field.", key)
		}
		// The runtime takes a mask's paths as they are; JSON's are lowerCamelCase.
		if top && field.Message() != nil && field.Message().FullName() == "google.protobuf.FieldMask" {
			in.ProtoReflect().Set(field, protoreflect.ValueOfMessage(readMask(query[key]).ProtoReflect()))
			query.Del(key)
		}
	}
	var path [][]string
	for name := range vars {
		path = append(path, strings.Split(name, "."))
	}
	if err := runtime.PopulateQueryParameters(in, query, utilities.NewDoubleArray(path)); err != nil {
		return status.Errorf(codes.InvalidArgument, "Invalid query parameter: %v", err)
	}
	return nil
}

var mapKey = regexp.MustCompile(`\[[^\]]*\]$`)

// fieldAt finds the field of a dotted query key; top says it is the message's own.
func fieldAt(d protoreflect.MessageDescriptor, key string) (f protoreflect.FieldDescriptor, top bool) {
	parts := strings.Split(mapKey.ReplaceAllString(key, ""), ".")
	for _, part := range parts {
		if d == nil {
			return nil, false
		}
		if f = d.Fields().ByJSONName(part); f == nil {
			f = d.Fields().ByName(protoreflect.Name(part))
		}
		if f == nil {
			return nil, false
		}
		d = f.Message()
	}
	return f, len(parts) == 1
}

func readMask(values []string) *fieldmaskpb.FieldMask {
	mask := &fieldmaskpb.FieldMask{}
	for _, value := range values {
		var one fieldmaskpb.FieldMask
		quoted, err := json.Marshal(value)
		if err == nil && protojson.Unmarshal(quoted, &one) == nil {
			mask.Paths = append(mask.Paths, one.Paths...)
			continue
		}
		mask.Paths = append(mask.Paths, strings.Split(value, ",")...) // snake_case
	}
	return mask
}
