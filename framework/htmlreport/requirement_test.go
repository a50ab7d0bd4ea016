package htmlreport

import (
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

func TestReproduce(t *testing.T) {
	for command, want := range map[string]string{
		"":                        "",
		"wlif run --profile=full": "wlif run --profile=full --requirement=a/b",
		"wlif run --requirement=a/*,c/d --label-filter='must && !x' -k": "wlif run -k --requirement=a/b",
		"wlif run '--requirement=a/*' '--label-filter=x && y' --keep":   "wlif run --keep --requirement=a/b",
		"wlif run --requirement a/c --keep":                             "wlif run --keep --requirement=a/b",
		"wlif run --procs=1\nwlif run --procs=2":                        "wlif run --procs=1 --requirement=a/b",
	} {
		if got := reproduce(command, "a/b"); got != want {
			t.Errorf("%s: %s, want %s", command, got, want)
		}
	}
	if got := reproduce("wlif run --requirement=a/*", "invariants/x"); got != "wlif run --requirement=a/*" {
		t.Errorf("an invariant is repeated by %s", got)
	}
}

// What the table shows is not said before it too.
func TestCause(t *testing.T) {
	reason := "refused; " + exchange.Explanation{}.String()
	if got := cause(reason, true); strings.Contains(got, "setup") || !strings.HasPrefix(got, "refused; the token is") {
		t.Errorf("with a table: %s", got)
	}
	if got := cause(reason, false); got != reason || !strings.Contains(got, "setup") {
		t.Errorf("without one: %s", got)
	}
}
