package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/htmlreport"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/killmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

func newReportCommand() *cobra.Command {
	var (
		onlyFacts bool
		previous  string
		output    string
	)
	cmd := &cobra.Command{
		Use:   "report FOLDER",
		Short: "Make the reports of a run again from its journal",
		Long: `Make the reports of a run again from its journal.

FOLDER is that of the run, such as reports/runs/20261121T120000Z-k3v9x2ab. The
exit code is that of the run.

With --facts it only prints, as YAML, what the checks observed and nobody judges:
what the documentation leaves open. Where the mock has a guess about it, its row
stands beside it as the mock's table would have it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			records, torn, err := journal.Read(args[0])
			if err != nil {
				return usageError(err)
			}
			made := report.Build(records, torn)
			if onlyFacts {
				return printFacts(cmd.OutOrStdout(), made)
			}
			if err := writeReports(args[0], made, records, previous); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if output == outputJSON {
				if err := printJSON(out, made); err != nil {
					return err
				}
				return finished(made.Outcome.ExitCode)
			}
			if err := report.Table(out, made, colourful(out)); err != nil {
				return fmt.Errorf("printing the report: %w", err)
			}
			return finished(made.Outcome.ExitCode)
		},
	}
	cmd.AddCommand(newReportMergeCommand(), newReportDiffCommand(), newReportPublishCommand())
	addOutputFlag(cmd, &output)
	cmd.Flags().StringVar(&previous, "previous", "", "folder of the run that report.html compares with (default: the latest like it beside FOLDER)")
	cmd.Flags().BoolVar(&onlyFacts, "facts", false, "print what was observed, in a form for the mock's table")
	return cmd
}

// writeReports makes every report of a run in its folder. previous is that of
// htmlreport.Write.
func writeReports(dir string, made report.Report, records []journal.Record, previous string) error {
	return errors.Join(report.Write(dir, made), htmlreport.Write(dir, made, records, previous, proofs()))
}

// proofs are, by requirement, the bugs of the mock cloud that its checks must catch.
func proofs() map[string][]htmlreport.Bug {
	out := map[string][]htmlreport.Bug{}
	for _, r := range killmatrix.Declared().Results {
		for _, id := range r.Killed {
			out[id] = append(out[id], htmlreport.Bug{Name: r.Bug.Name, Doc: r.Bug.Doc})
		}
	}
	return out
}
