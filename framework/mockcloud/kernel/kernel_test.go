package kernel

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

func TestIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID(PrefixIAM)
		if !regexp.MustCompile(`^aje[0-9a-v]{17}$`).MatchString(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

func TestPages(t *testing.T) {
	rows := make([]string, 250)
	for i := range rows {
		rows[i] = fmt.Sprint("row-", i)
	}
	same := func(s string) string { return s }
	for _, size := range []int64{0, 1, 99, 100, 250, 1000} {
		var got []string
		req := &oidc.ListFederationsRequest{PageSize: size}
		for pages := 0; ; pages++ {
			page, next, err := Page(rows, req, same)
			if err != nil || pages > len(rows) {
				t.Fatal(err, pages)
			}
			if limit := size; limit > 0 && int64(len(page)) > limit || len(page) > 1000 {
				t.Fatalf("size %d: a page of %d", size, len(page))
			}
			got = append(got, page...)
			if next == "" {
				break
			}
			req.PageToken = next
		}
		if !slices.Equal(got, rows) {
			t.Errorf("size %d: %d rows, in other order or number", size, len(got))
		}
	}
	if _, _, err := Page(rows, &oidc.ListFederationsRequest{PageToken: "bogus"}, same); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a bogus token: %v", err)
	}
}

// TestPagesWhileRowsAreDeleted: a sweep deletes a page and asks for the next.
func TestPagesWhileRowsAreDeleted(t *testing.T) {
	rows := []string{"row-0", "row-1", "row-2", "row-3", "row-4"}
	same := func(s string) string { return s }
	page, next, err := Page(rows, &oidc.ListFederationsRequest{PageSize: 2}, same)
	if err != nil || !slices.Equal(page, rows[:2]) {
		t.Fatal(page, err)
	}
	if page, _, err := Page(rows[2:], &oidc.ListFederationsRequest{PageToken: next}, same); err != nil || !slices.Equal(page, rows[2:]) {
		t.Errorf("after the first page was deleted: %v, %v", page, err)
	}
	if page, _, err := Page(rows[3:], &oidc.ListFederationsRequest{PageToken: next}, same); status.Code(err) != codes.InvalidArgument {
		t.Errorf("after the next row was deleted, too: %v, %v", page, err)
	}
}

func FuzzPageToken(f *testing.F) {
	f.Add("ZnJvbTpyb3ctMQ")
	f.Fuzz(func(t *testing.T, token string) {
		page, _, err := Page([]string{"row-0", "row-1"}, &oidc.ListFederationsRequest{PageToken: token}, func(s string) string { return s })
		if err == nil && token != "" && len(page) == 0 {
			t.Error("a token led to nothing")
		}
	})
}

func TestFilter(t *testing.T) {
	rows := []*iam.ServiceAccount{{Name: "one", Labels: map[string]string{"wlif-run": "r1"}}, {Name: "two"}}
	for _, x := range []struct {
		filter string
		want   []string
	}{
		{"", []string{"one", "two"}}, {`name="one"`, []string{"one"}}, {`name = 'two'`, []string{"two"}}, {`name!="one"`, []string{"two"}},
		{`labels.wlif-run="r1"`, []string{"one"}}, {`name="one" AND labels.wlif-run="r2"`, nil}, {`nothing="x"`, nil},
	} {
		got, err := Filter(rows, x.filter)
		if err != nil {
			t.Errorf("%s: %v", x.filter, err)
		}
		var names []string
		for _, r := range got {
			names = append(names, r.Name)
		}
		if !slices.Equal(names, x.want) {
			t.Errorf("%s: %v, want %v", x.filter, names, x.want)
		}
	}
	if _, err := Filter(rows, "name"); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a bad filter: %v", err)
	}
}

func FuzzFilter(f *testing.F) {
	f.Add(`name="one" AND labels.a='b'`)
	f.Add(`created_at="x"`)
	f.Fuzz(func(_ *testing.T, filter string) {
		_, _ = Filter([]*iam.ServiceAccount{{Name: "one", Labels: map[string]string{"a": "b"}}}, filter)
	})
}

func TestApplyMask(t *testing.T) {
	row := func() *oidc.Federation {
		return &oidc.Federation{Id: "f1", Name: "old", Description: "old", Audiences: []string{"old"}, Issuer: "https://old"}
	}
	req := &oidc.UpdateFederationRequest{FederationId: "f1", Name: "new", Audiences: []string{"new"}}
	rename := map[string]string{"disabled": ""}
	for _, x := range []struct {
		name                      string
		mask                      []string
		wantName, wantDescription string
		wantAudience              string
		code                      codes.Code
	}{
		{"only what is named", []string{"name"}, "new", "old", "old", codes.OK},
		{"named and unset is cleared", []string{"description"}, "old", "", "old", codes.OK},
		{"two", []string{"name", "audiences"}, "new", "old", "new", codes.OK},
		{"no mask: what is set", nil, "new", "old", "new", codes.OK},
		{"issuer is immutable", []string{"issuer"}, "old", "old", "old", codes.InvalidArgument},
		{"unknown", []string{"nonsense"}, "old", "old", "old", codes.InvalidArgument},
	} {
		t.Run(x.name, func(t *testing.T) {
			f := row()
			err := ApplyMask(f, req, &fieldmaskpb.FieldMask{Paths: x.mask}, rename)
			if status.Code(err) != x.code {
				t.Fatal(err)
			}
			if err == nil && (f.Name != x.wantName || f.Description != x.wantDescription || f.Audiences[0] != x.wantAudience || f.Id != "f1") {
				t.Errorf("%v", f)
			}
		})
	}
}

func TestRulesReadTheRequest(t *testing.T) {
	rule := Needs("a.b.c", "iam.serviceAccount", "service_account_id").And("d.e.f", "iam.workloadIdentityFederation", "federation_id")
	got := rule.For(&workload.CreateFederatedCredentialRequest{ServiceAccountId: "a1"})
	want := []access.Need{
		{Permission: "a.b.c", On: state.Ref{Type: "iam.serviceAccount", ID: "a1"}},
		{Permission: "d.e.f", On: state.Ref{Type: "iam.workloadIdentityFederation", ID: ""}}, // empty, but needed
	}
	if !slices.Equal(got, want) {
		t.Errorf("needs %v, want %v", got, want)
	}
	optional := AnyCaller().AndIfSet("a.b.c", "iam.serviceAccount", "service_account_id")
	if got := optional.For(&iam.ListKeysRequest{}); len(got) != 0 {
		t.Errorf("an optional need without its field: %v", got)
	}
	if got := optional.For(&iam.ListKeysRequest{ServiceAccountId: "a1"}); len(got) != 1 {
		t.Errorf("an optional need with its field: %v", got)
	}
}
