package kernel

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// PageRequest is what every List request has.
type PageRequest interface {
	GetPageSize() int64
	GetPageToken() string
}

const (
	defaultPage = 100
	maxPage     = 1000
)

// Page cuts rows (in the order they were made) to the page that was asked for,
// and returns the token of the next ("" on the last). key is a row's id. The token
// names the next page's first row: who deletes a page while he reads still gets the
// next one, and a token whose row is gone is refused rather than taken for the end.
func Page[T any](rows []T, req PageRequest, key func(T) string) ([]T, string, error) {
	start := 0
	if token := req.GetPageToken(); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		from, ok := strings.CutPrefix(string(raw), "from:")
		start = slices.IndexFunc(rows, func(r T) bool { return key(r) == from })
		if err != nil || !ok || start < 0 {
			return nil, "", Errorf(codes.InvalidArgument, "Validation failed:\n  - page_token: The page token is not valid")
		}
	}
	size := int(req.GetPageSize())
	if size <= 0 {
		size = defaultPage
	}
	end := min(start+min(size, maxPage), len(rows))
	next := ""
	if end < len(rows) {
		next = base64.RawURLEncoding.EncodeToString([]byte("from:" + key(rows[end])))
	}
	return rows[start:end], next, nil
}

// filterTerm is one comparison of the filter language that the List requests
// document: name = "value", name != 'value', labels.key="value", joined by AND.
var filterTerm = regexp.MustCompile(`^\s*([a-zA-Z_.-]+)\s*(=|!=)\s*["']?([^"']*?)["']?\s*$`)

// Filter keeps the rows that a filter expression accepts.
func Filter[T proto.Message](rows []T, filter string) ([]T, error) {
	if strings.TrimSpace(filter) == "" {
		return rows, nil
	}
	type test struct {
		field, value string
		equal        bool
	}
	var tests []test
	for _, part := range regexp.MustCompile(`(?i)\s+and\s+`).Split(filter, -1) {
		m := filterTerm.FindStringSubmatch(part)
		if m == nil {
			return nil, Errorf(codes.InvalidArgument, "Validation failed:\n  - filter: The filter expression is not valid")
		}
		tests = append(tests, test{field: m[1], value: m[3], equal: m[2] == "="})
	}
	var out []T
	for _, r := range rows {
		keep := true
		for _, t := range tests {
			keep = keep && (textOf(r, t.field) == t.value) == t.equal
		}
		if keep {
			out = append(out, r)
		}
	}
	return out, nil
}

func textOf(m proto.Message, field string) string {
	r := m.ProtoReflect()
	name, key, _ := strings.Cut(field, ".")
	f := r.Descriptor().Fields().ByName(protoreflect.Name(name))
	if f == nil {
		return ""
	}
	if f.IsMap() {
		return r.Get(f).Map().Get(protoreflect.ValueOfString(key).MapKey()).String()
	}
	return r.Get(f).String()
}
