package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

func newReportPublishCommand() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "publish FOLDER",
		Short: "Keep a run's report beside the code: its conformance.yaml, summary and badge, and the index of all",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := readReport(args[0])
			if err != nil {
				return err
			}
			if err := report.Publish(to, r); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s/%s, listed in %s/%s\n", to, r.Slot(), to, report.IndexFile)
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "reports", "folder of the published reports")
	return cmd
}
