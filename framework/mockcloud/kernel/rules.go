package kernel

import (
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Service is one gRPC service of the mock.
type Service struct {
	Desc *grpc.ServiceDesc
	Impl any
	// Rules by method name ("Create"). A method without one is UNIMPLEMENTED.
	Rules map[string]Rule
}

// Rule says who may call a method.
type Rule struct {
	// Public needs no token.
	Public bool
	// Needs must all be had. None (and not Public) means: any caller with a token.
	Needs []NeedOf
}

// NeedOf is a permission on the resource that a field of the request names.
type NeedOf struct {
	Permission string
	// Kind of the resource ("lockbox.secret").
	Kind string
	// Field of the request, dotted ("master_spec.zone_id").
	Field string
	// Optional: no need when the field is empty.
	Optional bool
}

// Public may be called by everyone.
func Public() Rule { return Rule{Public: true} }

// AnyCaller may be called with any good token; the method itself looks further.
func AnyCaller() Rule { return Rule{} }

// Needs a permission on the resource of a kind that a field of the request names.
func Needs(permission, kind, field string) Rule {
	return Rule{Needs: []NeedOf{{Permission: permission, Kind: kind, Field: field}}}
}

// And adds a need.
func (r Rule) And(permission, kind, field string) Rule {
	r.Needs = append(r.Needs[:len(r.Needs):len(r.Needs)], NeedOf{Permission: permission, Kind: kind, Field: field})
	return r
}

// AndIfSet adds a need for when the field is set.
func (r Rule) AndIfSet(permission, kind, field string) Rule {
	r.Needs = append(r.Needs[:len(r.Needs):len(r.Needs)], NeedOf{Permission: permission, Kind: kind, Field: field, Optional: true})
	return r
}

// For resolves the needs for a request. A repeated field gives one for each value.
func (r Rule) For(req proto.Message) []access.Need {
	var out []access.Need
	for _, n := range r.Needs {
		ids := fieldValues(req.ProtoReflect(), strings.Split(n.Field, "."))
		if len(ids) == 0 && !n.Optional {
			ids = []string{""}
		}
		for _, id := range ids {
			out = append(out, access.Need{Permission: n.Permission, On: state.Ref{Type: n.Kind, ID: id}})
		}
	}
	return out
}

// Missing lists the fields that a request leaves empty although the rule finds a
// resource by them: they are required whether or not the descriptors say so.
func (r Rule) Missing(req proto.Message) []string {
	var out []string
	for _, n := range r.Needs {
		if !n.Optional && len(fieldValues(req.ProtoReflect(), strings.Split(n.Field, "."))) == 0 && !slices.Contains(out, n.Field) {
			out = append(out, n.Field)
		}
	}
	return out
}

func fieldValues(m protoreflect.Message, path []string) []string {
	f := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	if f == nil || !m.Has(f) {
		return nil
	}
	var values []protoreflect.Value
	if f.IsList() {
		for i := range m.Get(f).List().Len() {
			values = append(values, m.Get(f).List().Get(i))
		}
	} else {
		values = append(values, m.Get(f))
	}
	var out []string
	for _, v := range values {
		if len(path) > 1 {
			out = append(out, fieldValues(v.Message(), path[1:])...)
		} else {
			out = append(out, v.String())
		}
	}
	return out
}

// HasField says whether a message of this type has the dotted field: rules are
// data, and a misspelt one would refuse everybody.
func HasField(d protoreflect.MessageDescriptor, dotted string) bool {
	path := strings.Split(dotted, ".")
	for i, name := range path {
		f := d.Fields().ByName(protoreflect.Name(name))
		if f == nil {
			return false
		}
		if i < len(path)-1 {
			if d = f.Message(); d == nil {
				return false
			}
		}
	}
	return true
}
