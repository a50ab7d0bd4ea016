package killmatrix

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
)

// Matrix is the results of all bugs' runs.
type Matrix struct {
	Results []Result
}

// Killed counts the bugs that were killed as declared.
func (m Matrix) Killed() int {
	n := 0
	for _, r := range m.Results {
		if len(r.Faults) == 0 {
			n++
		}
	}
	return n
}

// Killers gives the bugs that a requirement's checks caught, by requirement.
func (m Matrix) Killers() map[string][]string {
	killers := map[string][]string{}
	for _, r := range m.Results {
		for _, id := range r.Killed {
			killers[id] = append(killers[id], r.Bug.Name)
		}
	}
	return killers
}

// Unproven are the MUST requirements that no bug killed, and that no test with
// a broken fixture proves.
func (m Matrix) Unproven() []string {
	killers := m.Killers()
	var out []string
	for _, r := range conformance.Catalogue() {
		if r.Level == conformance.Must && r.Excluded == "" && r.ProvenBy == "" && len(killers[r.ID]) == 0 {
			out = append(out, r.ID)
		}
	}
	return out
}

// Declared are the results that the bugs declare, for the committed page: which
// requirement must fail for which bug.
func Declared() Matrix {
	var m Matrix
	for _, b := range bugs.All() {
		m.Results = append(m.Results, Result{Bug: b, Killed: b.MustKill})
	}
	return m
}

// WriteMarkdown writes the matrix as a page: each requirement with the bugs that
// its checks must catch, and each bug with what it is.
func (m Matrix) WriteMarkdown(w io.Writer) error {
	killers := m.Killers()
	var b strings.Builder
	b.WriteString("# Which bugs the checks catch\n\n")
	fmt.Fprintf(&b, "%d bugs of the mock cloud, each a way in which a real implementation could be wrong. `make bugs` turns them on one at a time\n"+
		"and demands FAIL of the requirements named here, and of no others.\n\n", len(m.Results))
	b.WriteString("| Requirement | Level | Caught |\n|---|---|---|\n")
	for _, r := range conformance.Catalogue() {
		caught := strings.Join(killers[r.ID], ", ")
		if caught == "" {
			caught = otherwise(r)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.ID, r.Level, caught)
	}
	areas := map[string][]bugs.Bug{}
	for _, r := range m.Results {
		areas[r.Bug.Area] = append(areas[r.Bug.Area], r.Bug)
	}
	for _, area := range slices.Sorted(maps.Keys(areas)) {
		fmt.Fprintf(&b, "\n## Bugs: %s\n\n| Bug | What is wrong | Must be caught by | May be noticed by |\n|---|---|---|---|\n", area)
		for _, bug := range areas[area] {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", bug.Name, bug.Doc, strings.Join(bug.MustKill, ", "), mayText(bug))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// otherwise says why no bug is caught by a requirement's checks.
func otherwise(r conformance.Requirement) string {
	switch {
	case r.Excluded != "":
		return "no check: " + r.Excluded
	case r.ProvenBy != "":
		return "a broken fixture: " + r.ProvenBy
	case r.Level == conformance.Record:
		return "nothing is judged"
	}
	return "**nothing**"
}

func mayText(b bugs.Bug) string {
	var out []string
	for _, m := range b.MayKill {
		out = append(out, fmt.Sprintf("%s (%s)", m.ID, m.Why))
	}
	return strings.Join(out, "; ")
}
