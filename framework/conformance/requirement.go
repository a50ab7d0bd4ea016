package conformance

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Level says what a breach of a requirement means. A level never depends on the
// target: behaviour that no source documents is Record everywhere.
type Level string

const (
	// Must makes a breach a failure of the target.
	Must Level = "MUST"
	// Should makes a breach a warning in the report; it does not fail a run.
	Should Level = "SHOULD"
	// Record notes behaviour that is not documented and judges nothing.
	Record Level = "RECORD"
)

// Severity says how bad a breach is for somebody who relies on the federation.
type Severity string

const (
	// Critical breaches let somebody else's token in, or secrets out.
	Critical Severity = "critical"
	// Major breaches keep the integration from working.
	Major Severity = "major"
	// Minor breaches cost time or money.
	Minor Severity = "minor"
)

// Source is the clause of a public document that a requirement rests on.
type Source struct {
	// Document is a short name: "Managed Kubernetes WLIF tutorial", "RFC 8693".
	Document string `json:"document"`
	// Clause is a section heading or number inside it.
	Clause string `json:"clause"`
	// URL leads to the document.
	URL string `json:"url"`
}

// String renders the source as a reader would cite it.
func (s Source) String() string { return s.Document + ", " + s.Clause }

// Requirement is one row of the catalogue.
type Requirement struct {
	// ID is the stable slug "area/what".
	ID string `json:"id"`
	// Area is the part of the ID before the slash.
	Area string `json:"area"`
	// Statement is one sentence with the key word of the level (RFC 2119).
	Statement string `json:"statement"`
	Level     Level  `json:"level"`
	// Sources are never empty.
	Sources  []Source `json:"sources"`
	Severity Severity `json:"severity"`
	// Features are those that a target must have for a check to be possible.
	Features []Feature `json:"features,omitempty"`
	// Slow: its checks take so long that they run only when asked for (--slow).
	Slow bool `json:"slow,omitempty"`
	// ProvenBy names the Go test that shows the check failing, where no bug of the
	// mock cloud can: what Kubernetes itself decides is shown with a broken fixture.
	ProvenBy string `json:"provenBy,omitempty"`
	// Remediation tells the owner of a failing target what to do. An excluded row
	// may lack it: it never fails.
	Remediation string `json:"remediation,omitempty"`
	// Excluded, if set, is the reason why no check can decide the requirement.
	Excluded string `json:"excluded,omitempty"`
}

// AtTheEnd says whether the end of every run decides the requirement, and no
// check does: such are all invariants.
func (r Requirement) AtTheEnd() bool { return r.Area == areaInvariants }

// areas make the catalogue, in its order. Each has a file of its own.
var areas = []func() []Requirement{
	tutorialArea,
	issuerArea,
	exchangeArea,
	federationArea,
	accessArea,
	secretsArea,
	subjectsArea,
	metadataArea,
	customArea,
	lifecycleArea,
	terraformArea,
	clientsArea,
	invariantsArea,
}

// Catalogue returns every requirement in the catalogue's own order. The slice
// is the caller's.
func Catalogue() []Requirement {
	var all []Requirement
	for _, rows := range areas {
		all = append(all, rows()...)
	}
	return all
}

// byID is the catalogue, for Lookup, which every event of a run needs.
var byID = sync.OnceValue(func() map[string]Requirement {
	rows := map[string]Requirement{}
	for _, r := range Catalogue() {
		rows[r.ID] = r
	}
	return rows
})

// Lookup finds a requirement by its id.
func Lookup(id string) (Requirement, bool) {
	r, found := byID()[id]
	r.Sources, r.Features = slices.Clone(r.Sources), slices.Clone(r.Features)
	return r, found
}

// area fills in what every row of an area shares, so that the rows themselves
// only say what differs.
func area(name string, rows []Requirement) []Requirement {
	for i := range rows {
		rows[i].Area = name
		if !strings.HasPrefix(rows[i].ID, name+"/") {
			// A wrong id is a mistake in the catalogue itself, which the tests load.
			panic(fmt.Sprintf("requirement %q stands in the file of area %q", rows[i].ID, name))
		}
	}
	return rows
}
