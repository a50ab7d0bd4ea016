package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// Paid is something that a cloud charges for, and how long it lived: from the cloud's
// word that it makes it to its word that it is deleted.
type Paid struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// For is what of it is charged for, by the names of the price table.
	For   []string  `json:"for"`
	Made  time.Time `json:"made"`
	Lived Duration  `json:"lived"`
	// Alive means that nobody noted its end: it lived until the run ended, and may still.
	Alive bool `json:"alive,omitempty"`
}

// paid sets the ends beside the beginnings. A process of the run may have noted an end
// before the journal of another is read, so their order says nothing.
func paid(records []journal.Record) []Paid {
	var out []Paid
	gone := map[string]time.Time{}
	for _, r := range records {
		switch e := r.Event.(type) {
		case journal.ResourceMade:
			out = append(out, Paid{Type: e.Type, ID: e.ID, Name: e.Name, For: e.For, Made: r.Time.UTC()})
		case journal.ResourceGone:
			gone[e.Type+" "+e.ID] = r.Time
		}
	}
	for i, p := range out {
		end, ok := gone[p.Type+" "+p.ID]
		if !ok {
			end, out[i].Alive = records[len(records)-1].Time, true
		}
		out[i].Lived = Duration(end.Sub(p.Made))
	}
	slices.SortStableFunc(out, func(a, b Paid) int {
		return cmp.Or(a.Made.Compare(b.Made), cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Charges names what of it is charged for.
func (p Paid) Charges() string { return strings.Join(p.For, ", ") }

// Remark says whether it is known to have ended.
func (p Paid) Remark() string {
	if p.Alive {
		return "not seen deleted"
	}
	return "deleted"
}

func markdownPaid(out io.Writer, list []Paid) {
	if len(list) == 0 {
		return
	}
	fmt.Fprint(out, "\n## What a cloud charges for\n\nHow long each lived.\n\n| type | id | name | charged for | lived | then |\n|---|---|---|---|---|---|\n")
	for _, p := range list {
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", p.Type, p.ID, cell(p.Name), p.Charges(), p.Lived, p.Remark())
	}
}
