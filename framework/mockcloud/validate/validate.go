// Package validate checks a request against the options that the cloud's own
// descriptors carry (yandex/cloud/validation.proto: required, pattern, length,
// size, value, unique, map_key, exactly_one), so that no rule is written twice.
package validate

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Violation is one broken rule.
type Violation struct {
	Field, Text string
}

// Request returns every rule that msg breaks, in the order of its fields.
func Request(msg proto.Message) []Violation {
	v := &visitor{}
	v.message("", msg.ProtoReflect())
	return v.found
}

// Text is the message of the INVALID_ARGUMENT answer. The first line and
// "Field is required" have been seen in public logs; the other texts are guesses.
func Text(vs []Violation) string {
	var b strings.Builder
	b.WriteString("Validation failed:")
	for _, v := range vs {
		fmt.Fprintf(&b, "\n  - %s: %s", v.Field, v.Text)
	}
	return b.String()
}

type visitor struct{ found []Violation }

func (v *visitor) add(path, format string, args ...any) {
	v.found = append(v.found, Violation{Field: path, Text: fmt.Sprintf(format, args...)})
}

func (v *visitor) message(prefix string, m protoreflect.Message) {
	desc := m.Descriptor()
	if strings.HasPrefix(string(desc.FullName()), "google.protobuf.") {
		return
	}
	for i := range desc.Oneofs().Len() {
		o := desc.Oneofs().Get(i)
		if !o.IsSynthetic() && option(o.Options(), cloud.E_ExactlyOne, false) && m.WhichOneof(o) == nil {
			v.add(prefix+string(o.Name()), "One of the options must be selected")
		}
	}
	update := desc.Fields().ByName("update_mask") != nil
	for i := range desc.Fields().Len() {
		f := desc.Fields().Get(i)
		path := prefix + string(f.Name())
		if !m.Has(f) {
			v.absent(path, f, update)
			continue
		}
		v.present(path, f, m.Get(f))
	}
}

// absent: a field of its zero value. An update leaves out what it does not
// change, so there only what is marked required counts.
func (v *visitor) absent(path string, f protoreflect.FieldDescriptor, update bool) {
	switch {
	case option(f.Options(), cloud.E_Required, false):
		v.add(path, "Field is required")
	case f.IsList() || f.IsMap():
		if size := option(f.Options(), cloud.E_Size, ""); !update && !within(size, 0) {
			v.add(path, "Number of elements must be in %s", size)
		}
	}
}

func (v *visitor) present(path string, f protoreflect.FieldDescriptor, val protoreflect.Value) {
	switch {
	case f.IsList():
		list := val.List()
		v.size(path, f, list.Len())
		seen := map[any]bool{}
		for i := range list.Len() {
			item := list.Get(i)
			at := fmt.Sprintf("%s[%d]", path, i)
			if option(f.Options(), cloud.E_Unique, false) && f.Kind() != protoreflect.MessageKind {
				if seen[item.Interface()] {
					v.add(at, "Elements must be unique")
				}
				seen[item.Interface()] = true
			}
			v.value(at, f, f, item)
		}
	case f.IsMap():
		v.size(path, f, val.Map().Len())
		keys := option(f.Options(), cloud.E_MapKey, (*cloud.MapKeySpec)(nil))
		val.Map().Range(func(k protoreflect.MapKey, item protoreflect.Value) bool {
			v.text(path+"."+k.String(), k.String(), keys.GetLength(), keys.GetPattern())
			v.value(path+"."+k.String(), f, f.MapValue(), item)
			return true
		})
	default:
		v.value(path, f, f, val)
	}
}

func (v *visitor) size(path string, f protoreflect.FieldDescriptor, n int) {
	if size := option(f.Options(), cloud.E_Size, ""); !within(size, int64(n)) {
		v.add(path, "Number of elements must be in %s", size)
	}
}

// value checks one value by the options of field f (a list's or a map's options
// speak of their elements).
func (v *visitor) value(path string, f, kind protoreflect.FieldDescriptor, val protoreflect.Value) {
	switch kind.Kind() {
	case protoreflect.MessageKind:
		v.message(path+".", val.Message())
	case protoreflect.StringKind:
		v.text(path, val.String(), option(f.Options(), cloud.E_Length, ""), option(f.Options(), cloud.E_Pattern, ""))
	case protoreflect.BytesKind:
		if want := option(f.Options(), cloud.E_Bytes, ""); !within(want, int64(len(val.Bytes()))) {
			v.add(path, "Size in bytes must be in %s", want)
		}
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		if want := option(f.Options(), cloud.E_Value, ""); !within(want, val.Int()) {
			v.add(path, "Value must be in %s", want)
		}
	case protoreflect.EnumKind:
		if kind.Enum().Values().ByNumber(val.Enum()) == nil {
			v.add(path, "Unknown value %d", val.Enum())
		}
	}
}

func (v *visitor) text(path, s, length, pattern string) {
	if !within(length, int64(utf8.RuneCountInString(s))) {
		v.add(path, "Length must be in %s", length)
	}
	if pattern != "" && !compiled(pattern).MatchString(s) {
		v.add(path, "Field does not match the pattern /%s/", pattern)
	}
}

// option reads an extension; absent is none.
func option[T any](opts proto.Message, ext protoreflect.ExtensionType, none T) T {
	if opts == nil || !proto.HasExtension(opts, ext) {
		return none
	}
	if got, ok := proto.GetExtension(opts, ext).(T); ok {
		return got
	}
	return none
}

var patterns sync.Map

// compiled: a pattern of the descriptors matches the whole value.
func compiled(pattern string) *regexp.Regexp {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(`^(?:` + pattern + `)$`) // the patterns are constants of the descriptors; a test compiles them all
	patterns.Store(pattern, re)
	return re
}
