package report

import (
	"strings"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// TestPaid: each lives until its own end, or for as long as anybody looked.
func TestPaid(t *testing.T) {
	r := Build(at(
		opening,
		journal.ResourceMade{Type: "lockbox.secret", ID: "one", For: []string{"secret"}},
		journal.ResourceMade{Type: "lockbox.secret", ID: "two", For: []string{"secret"}},
		journal.ResourceMade{Type: "vpc.gateway", ID: "one", For: []string{"gateway"}},
		journal.ResourceGone{Type: "lockbox.secret", ID: "two"},
		journal.ResourceGone{Type: "lockbox.secret", ID: "unheard-of"},
		journal.ResourceGone{Type: "lockbox.secret", ID: "one"},
		journal.RunFinished{},
	), nil)
	var got []string
	for _, p := range r.Paid {
		got = append(got, strings.Join([]string{p.Type, p.ID, p.Charges(), p.Lived.String(), p.Remark()}, " "))
	}
	want := "lockbox.secret one secret 5s deleted; lockbox.secret two secret 2s deleted; vpc.gateway one gateway 4s not seen deleted"
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	if made := r.Paid[0].Made; !made.Equal(start.Add(time.Second)) {
		t.Errorf("made at %s", made)
	}
	if summary := string(Markdown(r)); !strings.Contains(summary, "| lockbox.secret | two |  | secret | 2s | deleted |") {
		t.Error(summary)
	}
}
