package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

// maxAnnotations of one level are what GitHub shows of a step.
const maxAnnotations = 10

// Annotations renders what is wrong as workflow commands of GitHub Actions, which
// show it beside the job: breaches and errors first, then warnings.
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
func Annotations(r Report) string {
	var failures, warnings []string
	for _, p := range r.Problems {
		failures = append(failures, command("error", p.Where, p.Reason))
	}
	for _, q := range r.Requirements {
		text := q.Reason
		if q.Remediation != "" {
			text += "\nWhat to do: " + q.Remediation
		}
		switch {
		case q.Warns():
			warnings = append(warnings, command("warning", q.ID, text))
		case q.Verdict == conformance.Fail, q.Verdict == conformance.Error:
			failures = append(failures, command("error", q.ID, text))
		}
	}
	for _, left := range r.Inventory.Left {
		failures = append(failures, command("error", "left behind", strings.TrimSpace(left.Type+" "+left.ID+" "+left.Name+" "+left.Reason)))
	}
	return strings.Join(append(few(failures, "error"), few(warnings, "warning")...), "")
}

// few keeps what is shown, and says how much is not.
func few(commands []string, level string) []string {
	if len(commands) <= maxAnnotations {
		return commands
	}
	rest := len(commands) - maxAnnotations + 1
	return append(commands[:maxAnnotations-1:maxAnnotations-1], command(level, "more", fmt.Sprintf("%d more are in the reports", rest)))
}

func command(level, title, text string) string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	return fmt.Sprintf("::%s title=%s::%s\n", level, property.Replace(title), data.Replace(cmp.Or(text, "no reason is given")))
}

// maxSummary bounds, in bytes, what GitHub takes as the summary of a step.
const maxSummary = 1 << 20

// StepSummary is the report as GitHub Actions shows it on the page of a job.
func StepSummary(r Report) []byte {
	text := Markdown(r)
	if len(text) <= maxSummary {
		return text
	}
	const cut = "\n\nThe rest is in the reports.\n"
	return append(text[:maxSummary-len(cut):maxSummary-len(cut)], cut...)
}
