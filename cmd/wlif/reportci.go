package main

import (
	"fmt"
	"io"
	"os"

	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// tellGitHub shows the report on the page of a job of GitHub Actions, where the
// program runs in one: annotations are lines of its output, the summary is a file.
// https://docs.github.com/en/actions/reference/workflows-and-actions/variables
func tellGitHub(out io.Writer, r report.Report, getenv func(string) string) error {
	if getenv("GITHUB_ACTIONS") == "true" {
		if _, err := io.WriteString(out, report.Annotations(r)); err != nil {
			return fmt.Errorf("annotating the job: %w", err)
		}
	}
	path := getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // G304: the file that GitHub names
	if err != nil {
		return fmt.Errorf("writing the summary of the job's step (GITHUB_STEP_SUMMARY): %w", err)
	}
	_, err = file.Write(report.StepSummary(r))
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("writing the summary of the job's step (GITHUB_STEP_SUMMARY): %w", err)
	}
	return nil
}
