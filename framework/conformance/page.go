package conformance

import (
	"fmt"
	"strings"
)

// Page renders requirements as the Markdown of REQUIREMENTS.md, one table for
// each area.
func Page(requirements []Requirement) string {
	var text strings.Builder
	text.WriteString("# Requirements\n\n`make catalogue` writes this page. MUST: a breach fails the target; SHOULD: a breach is a warning; RECORD: what\n" +
		"happens is not documented, so it is noted and not judged. A check runs where the target has the features it needs.\n")
	current := ""
	for _, r := range requirements {
		if r.Area != current {
			current = r.Area
			fmt.Fprintf(&text, "\n## %s\n\n| requirement | level | severity | statement | features | sources |\n|---|---|---|---|---|---|\n", current)
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s | %s |\n", r.ID, r.Level, r.Severity, cell(r.remarks()), r.featureNames(), cell(r.links()))
	}
	return text.String()
}

func (r Requirement) remarks() string {
	text := r.Statement
	if r.Slow {
		text += " Slow."
	}
	if r.Excluded != "" {
		text += " Not checked: " + r.Excluded
	}
	return text
}

func (r Requirement) featureNames() string {
	names := make([]string, 0, len(r.Features))
	for _, f := range r.Features {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

func (r Requirement) links() string {
	links := make([]string, 0, len(r.Sources))
	for _, s := range r.Sources {
		links = append(links, fmt.Sprintf("[%s](%s)", s, s.URL))
	}
	return strings.Join(links, "; ")
}

// cell keeps a text inside a table's cell, and a <name> in it from being HTML.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text) }
