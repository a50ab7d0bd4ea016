package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// readReport reads the report of a run's folder, or of a file.
func readReport(path string) (report.Report, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, report.JSONFile)
	}
	r, err := report.Read(path)
	if err != nil {
		return r, hinted(usageError(err), "give the folder of a run, such as reports/runs/20261121T120000Z-k3v9x2ab; `wlif report FOLDER` makes its report again")
	}
	return r, nil
}

func newReportMergeCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge --out FOLDER FOLDER...",
		Short: "Join the reports of shards: runs of one profile, each with requirements of its own",
		Long: `Join the reports of shards: runs of one profile, each with requirements of its own.

Every requirement is judged by what all shards found. The exit code is that of the
whole. Shards must be of the same tool, cloud, kind of cluster and profile.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var shards []report.Report
			for _, path := range args {
				r, err := readReport(path)
				if err != nil {
					return err
				}
				shards = append(shards, r)
			}
			merged, err := report.Merge(shards...)
			if err != nil {
				return usageError(err)
			}
			if err := os.MkdirAll(out, 0o700); err != nil {
				return usageError(fmt.Errorf("--out: %w", err))
			}
			if err := writeReports(out, merged, nil, ""); err != nil {
				return err
			}
			if err := report.Table(cmd.OutOrStdout(), merged, colourful(cmd.OutOrStdout())); err != nil {
				return fmt.Errorf("printing the report: %w", err)
			}
			return finished(merged.Outcome.ExitCode)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder that the joined reports are written to")
	_ = cmd.MarkFlagRequired("out") // it exists
	return cmd
}

func newReportDiffCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "diff BEFORE NOW",
		Short: "Say what changed between two runs: verdicts, lost checks, durations, recorded behaviour",
		Long: `Say what changed between two runs: verdicts, lost checks, durations, recorded behaviour.

A lost check is a requirement about which a check said something before, and none
does now. Exit codes: 0 nothing is worse; 1 a check was lost, or a requirement now
fails or has an error; 2 wrong usage.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := readReport(args[0])
			if err != nil {
				return err
			}
			now, err := readReport(args[1])
			if err != nil {
				return err
			}
			changes := report.Diff(before, now)
			if err := printChanges(cmd.OutOrStdout(), changes, output); err != nil {
				return err
			}
			if changes.Regressed() {
				return finished(report.ExitFailed)
			}
			return nil
		},
	}
	addOutputFlag(cmd, &output)
	return cmd
}

func printChanges(out io.Writer, c report.Changes, output string) error {
	if output == outputJSON {
		return printJSON(out, c)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Run %s, compared with run %s before it:\n", c.Now.ID, c.Before.ID)
	if c.None() {
		text.WriteString("nothing changed but durations.\n")
	}
	for _, part := range []struct {
		title string
		rows  []report.Change
	}{
		{"Lost checks", c.Lost}, {"Verdicts", c.Verdicts}, {"Decided for the first time", c.Added}, {"Target and tool", c.Targets},
		{"Recorded behaviour", c.Facts}, {"Durations", c.Durations},
	} {
		if len(part.rows) == 0 {
			continue
		}
		fmt.Fprintf(&text, "\n%s:\n", part.title)
		for _, row := range part.rows {
			fmt.Fprintf(&text, "  %s: %s -> %s\n", row.What, row.Before, row.Now)
			if row.Reason != "" {
				fmt.Fprintf(&text, "      %s\n", row.Reason)
			}
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// Values of --output.
const (
	outputText = "text"
	outputJSON = "json"
)

// addOutputFlag adds --output with its two values.
func addOutputFlag(cmd *cobra.Command, output *string) {
	*output = outputText
	cmd.Flags().Var((*outputValue)(output), "output", "form of what is printed (text, json)")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{outputText, outputJSON}, cobra.ShellCompDirectiveNoFileComp)) // it exists
}

type outputValue string

func (o *outputValue) String() string { return string(*o) }
func (o *outputValue) Type() string   { return "string" }
func (o *outputValue) Set(text string) error {
	if text != outputText && text != outputJSON {
		return fmt.Errorf("%q is neither %s nor %s", text, outputText, outputJSON)
	}
	*o = outputValue(text)
	return nil
}

func printJSON(out io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("rendering JSON: %w", err)
	}
	_, err = out.Write(append(text, '\n'))
	return err
}
