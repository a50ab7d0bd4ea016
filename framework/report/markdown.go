package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// Markdown renders the report for a human reader.
func Markdown(r Report) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Conformance run %s: %s\n\n", r.Run.ID, r.Outcome.Text)
	fmt.Fprintf(&out, "Exit code %d. %s, %s long, profile `%s`, tool %s %s.\n", r.Outcome.ExitCode,
		r.Run.Started.UTC().Format(time.RFC3339), r.Run.Duration, r.Run.Profile, r.Run.Version, r.Run.Commit)
	if !r.Run.Complete {
		fmt.Fprintln(&out, "\n**The run did not come to its end; this report says what its journal knows.**")
	}
	if counts := counted(r.Requirements); counts != "" {
		fmt.Fprintf(&out, "\n%d requirements: %s.\n", len(r.Requirements), counts)
	}
	markdownTarget(&out, r)
	markdownRequirements(&out, r)
	markdownPropagation(&out, r.Propagation)
	markdownProvisioning(&out, r.Provisioning)
	markdownPaid(&out, r.Paid)
	markdownRest(&out, r)
	return out.Bytes()
}

func markdownTarget(out io.Writer, r Report) {
	fmt.Fprint(out, "\n## Target\n\n| what | value |\n|---|---|\n")
	for _, row := range [][2]string{
		{"cloud", r.Target.Cloud}, {"endpoint", r.Target.Endpoint}, {"cloud id", r.Target.CloudID}, {"folder id", r.Target.FolderID},
		{"cluster", r.Target.Cluster}, {"cluster id", r.Target.ClusterID}, {"Kubernetes", r.Target.KubernetesVersion},
		{"cluster engine", r.Target.Engine.Sentence()}, {"this machine", r.Target.Engine.Machine()},
		{"release channel", r.Target.ReleaseChannel}, {"issuer", r.Target.Issuer}, {"JWKS URL", r.Target.JWKSURL},
		{"features present", features(r.Features.Present)}, {"features lacking", features(r.Features.Lacking)},
	} {
		if row[1] != "" {
			fmt.Fprintf(out, "| %s | %s |\n", row[0], cell(row[1]))
		}
	}
}

// Sentence says how much of the run's time was the engine's; empty if there was
// none.
func (e *Engine) Sentence() string {
	if e == nil {
		return ""
	}
	var steps []string
	for _, s := range e.Steps {
		text := s.What + " " + s.Took.String()
		if s.Times > 1 {
			text += fmt.Sprintf(" (%d times)", s.Times)
		}
		steps = append(steps, text)
	}
	return fmt.Sprintf("%s, which took %s of the time: %s", e.Name, e.Took, strings.Join(steps, ", "))
}

// Machine is what of this machine decided how.
func (e *Engine) Machine() string {
	if e == nil {
		return ""
	}
	return strings.Join(e.Host, "; ")
}

func features(list []Feature) string {
	names := make([]string, 0, len(list))
	for _, f := range list {
		names = append(names, string(f.Name))
	}
	return strings.Join(names, ", ")
}

func markdownRequirements(out io.Writer, r Report) {
	fmt.Fprint(out, "\n## Requirements\n\n| requirement | level | verdict | took | reason |\n|---|---|---|---|---|\n")
	for _, q := range r.Requirements {
		if q.Listed() {
			fmt.Fprintf(out, "| %s | %s | %s | %s | %s |\n", q.ID, q.Level, q.Word(), q.Duration, cell(q.Remark()))
		}
	}
	reasons, ids := r.leftOut()
	for _, reason := range reasons {
		fmt.Fprintf(out, "\nLeft out, %d: %s: %s\n", len(ids[reason]), inline(reason), strings.Join(ids[reason], ", "))
	}
	if len(r.Lost) > 0 {
		fmt.Fprintf(out, "\n**Lost:** the suite came to its end, but no check emitted a verdict for %s.\n", strings.Join(r.Lost, ", "))
	}
	for _, q := range r.Requirements {
		if q.Verdict != conformance.Fail {
			continue
		}
		fmt.Fprintf(out, "\n### %s\n\n%s\n\nWhat was found: %s\n\nWhat to do: %s\n\nSources:\n\n", q.ID, q.Statement, inline(q.Reason), q.Remediation)
		for _, s := range q.Sources {
			fmt.Fprintf(out, "- [%s](%s)\n", s, s.URL)
		}
	}
}

func markdownPropagation(out io.Writer, list []Propagation) {
	if len(list) == 0 {
		return
	}
	fmt.Fprint(out, "\n## Propagation\n\nHow long changes took to take effect, as far as the checks waited for them.\n\n| what | times | p50 | p95 | max |\n|---|---|---|---|---|\n")
	for _, p := range list {
		fmt.Fprintf(out, "| %s | %d | %s | %s | %s |\n", cell(p.What), p.Count, p.P50, p.P95, p.Max)
	}
}

func markdownProvisioning(out io.Writer, p *Provisioning) {
	if p == nil {
		return
	}
	fmt.Fprintf(out, "\n## Provisioning\n\n%s\n\n| node | after | declared | started at | took | error |\n|---|---|---|---|---|---|\n", p.Sentence())
	for _, n := range p.Nodes {
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", n.Name, strings.Join(n.After, ", "), n.Expected, n.Start, n.Took, cell(n.Error))
	}
}

// Sentence compares wall time, critical path and sum.
func (p *Provisioning) Sentence() string {
	if p.CriticalLength == 0 {
		return fmt.Sprintf("Wall time %s; no durations are declared, so no critical path is computed; measured sum %s.", p.Wall, p.MeasuredSum)
	}
	return fmt.Sprintf("Wall time %s = %.2f × the critical path of %s (%s), computed from the declared durations, whose sum is %s.",
		p.Wall, p.Ratio, p.CriticalLength, strings.Join(p.CriticalPath, " → "), p.ExpectedSum)
}

func markdownRest(out io.Writer, r Report) {
	fmt.Fprintf(out, "\n## Left behind\n\n")
	switch {
	case len(r.Inventory.Left) > 0:
		fmt.Fprint(out, "| type | id | name | reason |\n|---|---|---|---|\n")
		for _, left := range r.Inventory.Left {
			fmt.Fprintf(out, "| %s | %s | %s | %s |\n", left.Type, left.ID, cell(left.Name), cell(left.Reason))
		}
	case !r.Inventory.Made:
		fmt.Fprintln(out, "No inventory was made.")
	case !r.Inventory.Complete:
		fmt.Fprintf(out, "Nothing was found, but not every list could be read: %s\n", inline(r.Inventory.Reason))
	default:
		fmt.Fprintln(out, "Nothing.")
	}
	if len(r.Problems) > 0 {
		fmt.Fprint(out, "\n## Problems of the engine\n\n")
		for _, p := range r.Problems {
			fmt.Fprintf(out, "- %s: %s\n", p.Where, inline(p.Reason))
		}
	}
	if len(r.Diagnostics) > 0 {
		fmt.Fprint(out, "\n## Evidence\n\n")
		for _, file := range r.Diagnostics {
			fmt.Fprintf(out, "- `%s`\n", file)
		}
	}
	if len(r.Run.Torn) > 0 {
		fmt.Fprint(out, "\n## Torn lines of the journal\n\n")
		for _, line := range r.Run.Torn {
			fmt.Fprintf(out, "- %s\n", inline(line))
		}
	}
	fmt.Fprintf(out, "\n## Reproduce\n\n```\n%s\n```\n", r.Run.Reproduce)
}

// cell keeps a text inside a table's cell.
func cell(text string) string {
	return strings.ReplaceAll(inline(text), "|", `\|`)
}

func inline(text string) string { return strings.Join(strings.Fields(text), " ") }
