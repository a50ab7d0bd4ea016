package main

import (
	"bytes"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/htmlreport"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// maxProofs bounds, in bytes, what the proofs add to a page of at most 2 MiB.
const maxProofs = 200 << 10

// The page of a run names every bug where it must be caught.
func TestProofsAreInThePage(t *testing.T) {
	var made report.Report
	for _, r := range conformance.Catalogue() {
		made.Requirements = append(made.Requirements, report.Requirement{ID: r.ID, Level: r.Level})
	}
	render := func(known map[string][]htmlreport.Bug) []byte {
		page, err := htmlreport.Render(htmlreport.Input{Report: made, Proofs: known})
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	page := render(proofs())
	if n := len(page) - len(render(nil)); n <= 0 || n > maxProofs {
		t.Errorf("the proofs take %d bytes, of at most %d", n, maxProofs)
	}
	for _, b := range bugs.All() {
		if got := bytes.Count(page, []byte("<code>"+b.Name+"</code>: ")); got != len(b.MustKill) {
			t.Errorf("%s is in the page %d times, and must be caught by %d requirements", b.Name, got, len(b.MustKill))
		}
	}
}
