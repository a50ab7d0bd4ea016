package mockcloud

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// MethodTable is the Markdown table of what the mock answers. A method that has
// no rule is not implemented, so the table cannot promise too much.
func MethodTable(services []kernel.Service) string {
	var b strings.Builder
	b.WriteString("# Methods of the mock cloud\n\nMade by `wlif mock methods`. What is not implemented answers UNIMPLEMENTED.\n\n")
	b.WriteString("| service | implemented | not implemented |\n|---|---|---|\n")
	sorted := slices.SortedFunc(slices.Values(services), func(a, b kernel.Service) int { return strings.Compare(a.Desc.ServiceName, b.Desc.ServiceName) })
	for _, s := range sorted {
		yes, no := split(s.Desc, s.Rules)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.TrimPrefix(s.Desc.ServiceName, "yandex.cloud."), strings.Join(yes, ", "), strings.Join(no, ", "))
	}
	return b.String()
}

func split(desc *grpc.ServiceDesc, rules map[string]kernel.Rule) (yes, no []string) {
	for _, m := range desc.Methods {
		if _, ok := rules[m.MethodName]; ok {
			yes = append(yes, m.MethodName)
		} else {
			no = append(no, m.MethodName)
		}
	}
	for _, m := range desc.Streams {
		no = append(no, m.StreamName)
	}
	return yes, no
}
