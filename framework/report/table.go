package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// Width is what the table fits into, in columns.
const Width = 80

// Colours of a terminal, by verdict.
var colours = map[conformance.Verdict]string{
	conformance.Pass: "32", conformance.Fail: "31;1", conformance.Error: "35", conformance.Skipped: "33",
	conformance.NotSupported: "36", conformance.Recorded: "34",
}

// Table prints the requirements with their verdicts and the outcome, at most
// Width columns wide.
func Table(out io.Writer, r Report, colour bool) error {
	var text strings.Builder
	above := ""
	for _, q := range r.Requirements {
		if !q.Listed() {
			continue
		}
		verdict := fmt.Sprintf("%-13s", q.Word())
		if colour {
			verdict = "\x1b[" + colours[q.Verdict] + "m" + verdict + "\x1b[0m"
		}
		fmt.Fprintf(&text, "%s %-54s %10s\n", verdict, shorten(q.ID, 54), q.Duration)
		remark := q.Remark()
		switch {
		case remark == "" || q.Verdict == conformance.Pass:
		case remark == above:
			text.WriteString(wrap("as above", "              "))
		default:
			text.WriteString(wrap(remark, "              "))
		}
		above = remark
	}
	reasons, ids := r.leftOut()
	for _, reason := range reasons {
		text.WriteString(wrap(fmt.Sprintf("%-13s %s: %s", conformance.Skipped, some(ids[reason]), reason), ""))
	}
	if p := r.Provisioning; p != nil {
		text.WriteString("\n" + wrap("Provisioning: "+p.Sentence(), ""))
	}
	for _, p := range r.Problems {
		text.WriteString(wrap(p.Where+": "+p.Reason, ""))
	}
	for _, left := range r.Inventory.Left {
		text.WriteString(wrap(fmt.Sprintf("left behind: %s %s %s %s", left.Type, left.ID, left.Name, left.Reason), ""))
	}
	if counts := counted(r.Requirements); counts != "" {
		text.WriteString("\n" + wrap(fmt.Sprintf("%d requirements: %s", len(r.Requirements), counts), ""))
	}
	text.WriteString("\n" + wrap(fmt.Sprintf("%s (exit code %d)", r.Outcome.Text, r.Outcome.ExitCode), ""))
	_, err := io.WriteString(out, text.String())
	return err
}

func shorten(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

// wrap breaks a text into lines of at most Width columns, each after an indent.
// A word longer than a line is cut.
func wrap(text, indent string) string {
	room := Width - len(indent)
	var out strings.Builder
	var line []rune
	flush := func() {
		if len(line) > 0 {
			out.WriteString(indent + string(line) + "\n")
			line = line[:0]
		}
	}
	for _, word := range strings.Fields(text) {
		runes := []rune(word)
		if len(line) > 0 && len(line)+1+len(runes) > room {
			flush()
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for len(runes) > room {
			line = append(line, runes[:room]...)
			runes = runes[room:]
			flush()
		}
		line = append(line, runes...)
	}
	flush()
	return out.String()
}
