package mockcloud

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/storage"
)

// leftOut says of each method without a rule why it has none: the first pattern that
// fits its name.
var leftOut = []struct{ pattern, why string }{
	{"billing.v1.*/*", "a run changes nothing about who pays"},
	{"compute.v1.InstanceService/*", "instances are nodes, which Managed Kubernetes makes and changes"},
	{"iam.v1.awscompatibility.*/ListOperations", "nobody lists what was done to static keys, which live as long as a bucket"},
	{"k8s.v1.ClusterService/RescheduleMaintenance", "clusters of the mock have no maintenance"},
	{"kms.v1.SymmetricCryptoService/*", "secrets are encrypted and decrypted, nothing else"},
	{"resourcemanager.v1.*/UpdateAccessPolicyBindingParameters", "the policies of the mock have no parameters"},
	{"resourcemanager.v1.CloudService/*", "the mock has one cloud, which stays as it is"},
	{"storage.v1.BucketService/*", "key sets need no such settings of a bucket"},
	{"vpc.v1.*/Move", "nothing of a run goes into another folder"},
	{"vpc.v1.SubnetService/*", "a subnet of a run stays in its zone, and its addresses are the nodes'"},
}

// whyLeftOut is empty if nobody has said it.
func whyLeftOut(method string) string {
	for _, l := range leftOut {
		if ok, err := path.Match(l.pattern, method); ok && err == nil {
			return l.why
		}
	}
	return ""
}

// MethodTable is the Markdown table of what the mock answers. A method without a rule
// answers UNIMPLEMENTED, so the table cannot promise too much.
func MethodTable(services []kernel.Service, drivers Drivers) string {
	var b, rest strings.Builder
	b.WriteString("# Methods of the mock cloud\n\nMade by `wlif mock methods`. curl calls each of them (TestEveryRouteByCurl); ² in a full run of the suite " +
		"the Go SDK does, ¹ and its first version (TestGoSDKv1).\n\n| service | methods |\n|---|---|\n")
	rest.WriteString("\n## Left out\n\nThese answer UNIMPLEMENTED.\n\n| method | why |\n|---|---|\n")
	sorted := slices.SortedFunc(slices.Values(services), func(a, b kernel.Service) int { return strings.Compare(a.Desc.ServiceName, b.Desc.ServiceName) })
	for _, s := range sorted {
		yes, no := split(s.Desc, s.Rules)
		service := strings.TrimPrefix(s.Desc.ServiceName, "yandex.cloud.")
		for i, method := range yes {
			yes[i] += drivers.marks(service + "/" + method)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", service, strings.Join(yes, ", "))
		for _, method := range no {
			fmt.Fprintf(&rest, "| %[1]s/%[2]s | %[3]s |\n", service, method, whyLeftOut(service+"/"+method))
		}
	}
	rest.WriteString("\nOf the S3 API these answer NotImplemented (501).\n\n| what | why |\n|---|---|\n")
	for _, l := range storage.AllLeftOut() {
		fmt.Fprintf(&rest, "| %s | %s |\n", l.What, l.Why)
	}
	return b.String() + rest.String()
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
