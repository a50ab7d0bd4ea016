package validate

import (
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

func TestWithin(t *testing.T) {
	for _, x := range []struct {
		ranges string
		n      int64
		want   bool
	}{
		{"", 7, true}, {"1-100", 0, false}, {"1-100", 1, true}, {"1-100", 100, true}, {"1-100", 101, false},
		{"<=64", 64, true}, {"<=64", 65, false}, {"<64", 64, false}, {">0", 0, false}, {">0", 1, true}, {">=2", 1, false},
		{"0,3,5-7", 3, true}, {"0,3,5-7", 4, false}, {"0,3,5-7", 6, true}, {"10", 10, true}, {"10", 9, false},
		{"-5--1", -3, true}, {"-5-5", 0, true}, {"-5-5", 6, false}, {"1m-1h", 0, true},
	} {
		if got := within(x.ranges, x.n); got != x.want {
			t.Errorf("%d within %q: %v, want %v", x.n, x.ranges, got, x.want)
		}
	}
}

func FuzzWithin(f *testing.F) {
	f.Add("1-100", int64(5))
	f.Add("-", int64(0))
	f.Add("<=", int64(0))
	f.Fuzz(func(_ *testing.T, ranges string, n int64) { within(ranges, n) })
}

func goodFederation() *oidc.CreateFederationRequest {
	return &oidc.CreateFederationRequest{FolderId: "b1g", Name: "f", Issuer: "https://i", JwksUrl: "https://i/jwks", Audiences: []string{"a"}}
}

func TestRules(t *testing.T) {
	federation := func(change func(*oidc.CreateFederationRequest)) proto.Message {
		r := goodFederation()
		change(r)
		return r
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = "a"
	}
	for _, x := range []struct {
		name  string
		req   proto.Message
		field string // "" passes
	}{
		{"good", goodFederation(), ""},
		{"required", federation(func(r *oidc.CreateFederationRequest) { r.FolderId = "" }), "folder_id"},
		{"pattern", federation(func(r *oidc.CreateFederationRequest) { r.Name = "Upper" }), "name"},
		{"pattern is the whole value", federation(func(r *oidc.CreateFederationRequest) { r.Name = "good\nbad" }), "name"},
		{"no audience", federation(func(r *oidc.CreateFederationRequest) { r.Audiences = nil }), "audiences"},
		{"100 audiences", federation(func(r *oidc.CreateFederationRequest) { r.Audiences = many[:100] }), ""},
		{"101 audiences", federation(func(r *oidc.CreateFederationRequest) { r.Audiences = many }), "audiences"},
		{"length of an element", federation(func(r *oidc.CreateFederationRequest) { r.Audiences = []string{strings.Repeat("a", 256)} }), "audiences[0]"},
		{"an update leaves out", &oidc.UpdateFederationRequest{FederationId: "aje"}, ""},
		{"1000 characters, not bytes", &workload.CreateFederatedCredentialRequest{ServiceAccountId: "a", FederationId: "f", ExternalSubjectId: strings.Repeat("ж", 1000)}, ""},
		{"1001 characters", &workload.CreateFederatedCredentialRequest{ServiceAccountId: "a", FederationId: "f", ExternalSubjectId: strings.Repeat("ж", 1001)}, "external_subject_id"},
		{"exactly one", &lockbox.GetExRequest{}, "identifier"},
		{"nested", &k8s.CreateClusterRequest{FolderId: "f", NetworkId: "n", ServiceAccountId: "a", NodeServiceAccountId: "b", MasterSpec: &k8s.MasterSpec{
			MasterType: &k8s.MasterSpec_ZonalMasterSpec{ZonalMasterSpec: &k8s.ZonalMasterSpec{}}}}, "master_spec.zonal_master_spec.zone_id"},
		{"page size", &oidc.ListFederationsRequest{FolderId: "f", PageSize: 1001}, "page_size"},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := Request(x.req)
			if x.field == "" {
				if len(got) > 0 {
					t.Fatalf("refused: %v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Field != x.field {
				t.Fatalf("got %v, want one violation of %s", got, x.field)
			}
		})
	}
	want := "Validation failed:\n  - folder_id: Field is required"
	if got := Text(Request(federation(func(r *oidc.CreateFederationRequest) { r.FolderId = "" }))); got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}

// TestAllPatternsCompile: a pattern that Go cannot compile would be met only when
// a client sends that field.
func TestAllPatternsCompile(t *testing.T) {
	n := 0
	protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
		fields := m.Descriptor().Fields()
		for i := range fields.Len() {
			if p := option(fields.Get(i).Options(), cloud.E_Pattern, ""); p != "" {
				compiled(p)
				n++
			}
		}
		return true
	})
	if n < 20 {
		t.Errorf("only %d patterns seen", n)
	}
}
