package vpc

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/validate"
)

// limits are the rules that the descriptors of VPC, which carry no options, have
// in the comments of their fields only.
type limits struct{ name, key, value *regexp.Regexp }

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

var (
	anyCase      = limits{name: whole(`|[a-zA-Z]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?`), key: whole(`[a-z][-_0-9a-z]*`), value: whole(`[-_0-9a-z]*`)}
	anyCasePaths = limits{name: anyCase.name, key: whole(`[a-z][-_./\\@0-9a-z]*`), value: whole(`[-_./\\@0-9a-z]*`)}
	lowerCase    = limits{name: whole(`|[a-z]([-a-z0-9]{0,61}[a-z0-9])?`), key: anyCasePaths.key, value: anyCasePaths.value}
)

// check holds a Create or an Update request against the limits.
func (l limits) check(req proto.Message, more ...validate.Violation) error {
	var vs []validate.Violation
	add := func(field, format string, args ...any) {
		vs = append(vs, validate.Violation{Field: field, Text: fmt.Sprintf(format, args...)})
	}
	if m, ok := req.(interface{ GetName() string }); ok && !l.name.MatchString(m.GetName()) {
		add("name", "Field does not match the pattern /%s/", l.name)
	}
	if m, ok := req.(interface{ GetDescription() string }); ok && utf8.RuneCountInString(m.GetDescription()) > 256 {
		add("description", "Length must be in <=256")
	}
	if m, ok := req.(interface{ GetLabels() map[string]string }); ok {
		if len(m.GetLabels()) > 64 {
			add("labels", "Number of elements must be in <=64")
		}
		for k, v := range m.GetLabels() {
			if len(k) < 1 || len(k) > 63 || !l.key.MatchString(k) || len(v) > 63 || !l.value.MatchString(v) {
				add("labels."+k, "Key or value does not match its pattern")
			}
		}
	}
	return kernel.Invalid(append(vs, more...)...)
}

// required complains of an empty field.
func required(field string, empty bool) []validate.Violation {
	if !empty {
		return nil
	}
	return []validate.Violation{{Field: field, Text: "Field is required"}}
}

// zone refuses an unknown availability zone.
func (v *VPC) zone(id string) error {
	if slices.Contains(zones, id) {
		return nil
	}
	return v.k.Guess("vpc/zone-unknown", id)
}

// prefixes reads the blocks of a subnet: "Minimum subnet size is /28, maximum
// subnet size is /16" (subnet_service.proto), in the private ranges of RFC 1918.
func prefixes(field string, blocks []string) ([]netip.Prefix, []validate.Violation) {
	if len(blocks) == 0 {
		return nil, required(field, true)
	}
	var out []netip.Prefix
	var vs []validate.Violation
	for i, b := range blocks {
		p, err := netip.ParsePrefix(b)
		switch {
		case err != nil || !p.Addr().Is4() || p.Masked() != p:
			vs = append(vs, validate.Violation{Field: fmt.Sprintf("%s[%d]", field, i), Text: fmt.Sprintf("%q is no IPv4 CIDR block", b)})
		case p.Bits() < 16 || p.Bits() > 28 || !p.Addr().IsPrivate():
			vs = append(vs, validate.Violation{Field: fmt.Sprintf("%s[%d]", field, i), Text: fmt.Sprintf("%s is not a /16 to /28 of the private ranges", b)})
		}
		out = append(out, p)
	}
	return out, vs
}
