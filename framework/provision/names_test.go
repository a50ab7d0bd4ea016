package provision

import (
	"strings"
	"testing"
	"time"
)

func TestRunIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewRunID()
		if !ValidRunID(id) || seen[id] {
			t.Fatalf("run id %q, seen before: %t", id, seen[id])
		}
		seen[id] = true
	}
	for _, bad := range []string{"", "abc", "1bcdefgh", "Abcdefgh", "abcdefghi", "abc-efgh", "../../ab"} {
		if ValidRunID(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestRunOf(t *testing.T) {
	for name, tc := range map[string]struct {
		name   string
		labels map[string]string
		want   string
	}{
		"by name":             {"wlif-abcdefgh-net", nil, "abcdefgh"},
		"by label":            {"anything", map[string]string{LabelRun: "abcdefgh"}, "abcdefgh"},
		"label before name":   {"wlif-abcdefgh-net", map[string]string{LabelRun: "zzzzzzzz"}, "zzzzzzzz"},
		"label that is none":  {"x", map[string]string{LabelRun: "*"}, ""},
		"somebody else's":     {"wlif-production-net", nil, ""},
		"prefix only":         {"wlif-abcdefgh", nil, ""},
		"in the middle":       {"my-wlif-abcdefgh-net", nil, ""},
		"upper case":          {"wlif-ABCDEFGH-net", nil, ""},
		"another's label set": {"net", map[string]string{"run": "abcdefgh"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := RunOf(tc.name, tc.labels); got != tc.want {
				t.Errorf("RunOf = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestLabels(t *testing.T) {
	at := time.Unix(1790000000, 0)
	l := Labels("abcdefgh", "Jane Doe@Example.COM "+strings.Repeat("x", 100), at)
	if !strings.HasPrefix(l[LabelOwner], "jane-doe-example-com-xx") || len(l[LabelOwner]) != 63 || l[LabelRun] != "abcdefgh" || l[LabelExpires] != "1790000000" {
		t.Errorf("labels %v", l)
	}
	if got, ok := expiry(l); !ok || !got.Equal(at) {
		t.Errorf("expiry %v %t", got, ok)
	}
	if _, ok := expiry(map[string]string{LabelExpires: "soon"}); ok {
		t.Error("an expiry that is no number passes")
	}
}
