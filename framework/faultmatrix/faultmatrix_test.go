package faultmatrix_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/faultmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// Every fault can be injected, has a name of its own, and ends in one of the ways that
// are allowed.
func TestDeclaredFaults(t *testing.T) {
	names := map[string]bool{}
	moved := false
	for _, f := range faultmatrix.Faults() {
		if f.Name == "" || f.Doc == "" || names[f.Name] {
			t.Errorf("%q is twice, or says nothing", f.Name)
		}
		names[f.Name] = true
		if f.Want != report.ExitConformant && f.Want != report.ExitEngine && f.Want != report.ExitLeft {
			t.Errorf("%s ends with %d", f.Name, f.Want)
		}
		if len(f.Inject) == 0 && f.At == "" || f.At != "" && f.Advance == 0 && f.Disk == "" {
			t.Errorf("%s does nothing", f.Name)
		}
		if moved && f.Advance == 0 {
			t.Errorf("%s comes after the clock was moved", f.Name)
		}
		moved = moved || f.Advance > 0
		raw, err := json.Marshal(map[string]any{"faults": f.Inject})
		if err == nil && len(f.Inject) > 0 {
			_, err = settings.Parse(raw, settings.Default())
		}
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func TestJudge(t *testing.T) {
	because := report.Report{Problems: []report.Problem{{Reason: "no answer | at all\nmore"}}}
	failed := report.Report{Requirements: []report.Requirement{{ID: "tutorial/deleted", Verdict: conformance.Fail, Reason: "x"}}}
	unowned := conformance.NothingLeftBehind
	named := report.Report{Problems: because.Problems, Requirements: []report.Requirement{{ID: unowned, Verdict: conformance.Fail, Reason: "x"}}, Inventory: report.Inventory{Left: []report.Resource{{Type: "subnet", ID: "e9b1", Reason: "busy; yc vpc subnet delete e9b1"}}}}
	nameless := report.Report{Problems: because.Problems, Inventory: report.Inventory{Left: []report.Resource{{Type: "subnet", ID: "e9b1", Reason: "busy"}}}}
	for name, tc := range map[string]struct {
		fault   faultmatrix.Fault
		seen    faultmatrix.Seen
		outcome string
		says    string
	}{
		"completes":      {faultmatrix.Fault{}, faultmatrix.Seen{}, "completes", ""},
		"error":          {faultmatrix.Fault{Want: 3}, faultmatrix.Seen{Code: 3, Report: because}, "ERROR", ""},
		"full disk":      {faultmatrix.Fault{Want: 3, Disk: faultmatrix.Reports}, faultmatrix.Seen{Code: 3}, "ERROR", ""},
		"without reason": {faultmatrix.Fault{Want: 3}, faultmatrix.Seen{Code: 3}, "NOT AS IT MUST BE", "no reason"},
		"not noticed":    {faultmatrix.Fault{Want: 3}, faultmatrix.Seen{Report: because}, "NOT AS IT MUST BE", "exit code is 0, not 3"},
		"left":           {faultmatrix.Fault{}, faultmatrix.Seen{Left: 2}, "NOT AS IT MUST BE", "2 resources are left"},
		"blamed":         {faultmatrix.Fault{}, faultmatrix.Seen{Report: failed}, "NOT AS IT MUST BE", "tutorial/deleted is FAIL"},
		"left, swept":    {faultmatrix.Fault{Want: 4}, faultmatrix.Seen{Code: 4, Left: 1, Report: named}, "left, then swept", ""},
		"left, not said": {faultmatrix.Fault{Want: 4}, faultmatrix.Seen{Code: 4, Left: 2, Report: because}, "NOT AS IT MUST BE", "names 0 resources that are left, the cloud has 2"},
		"left, no way":   {faultmatrix.Fault{Want: 4}, faultmatrix.Seen{Code: 4, Left: 1, Report: nameless}, "NOT AS IT MUST BE", "does not say how subnet"},
		"left, not gone": {faultmatrix.Fault{Want: 4}, faultmatrix.Seen{Code: 4, Left: 1, Report: named, Sweep: 4, Swept: 1}, "NOT AS IT MUST BE", "a sweep after the fault ends with 4, and 1 resources"},
		"nothing left":   {faultmatrix.Fault{Want: 4}, faultmatrix.Seen{Code: 4, Report: because}, "NOT AS IT MUST BE", "names 0 resources"},
		"not seen":       {faultmatrix.Fault{}, faultmatrix.Seen{Err: errors.New("gone")}, "NOT AS IT MUST BE", "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			r := faultmatrix.Judge(tc.fault, tc.seen)
			if got := strings.Join(r.Faults, "; "); r.Outcome() != tc.outcome || (got == "") != (tc.says == "") || !strings.Contains(got, tc.says) {
				t.Errorf("%s: %q", r.Outcome(), got)
			}
			m := faultmatrix.Matrix{r, {}}
			var page bytes.Buffer
			if err := m.WriteMarkdown(&page); err != nil || !strings.Contains(page.String(), tc.says) || strings.Count(page.String(), "\n") != 8 {
				t.Errorf("%v, the page is %s", err, page.String())
			}
			if want := min(1, len(r.Faults)); m.Failed() != want {
				t.Errorf("%d failed", m.Failed())
			}
		})
	}
}
