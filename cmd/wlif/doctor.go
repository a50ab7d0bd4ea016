package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/cost"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

func newDoctorCommand() *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is missing, and what a run would create; creates nothing",
		Long: `Say what is missing, and what a run would create; creates nothing.

Looked at are this machine (programs, disk, Docker, clock), the credentials, folders,
billing account, quotas, access policies and Kubernetes versions of the cloud, the
roles of an account one by one (--account; with a key file it is known), the token
endpoint, and what of your own you name: network, cluster, its issuer's keys, the way
out of its nodes. "unseen" is what could not be looked at: it may be good or bad.

Why a token of your own is refused: wlif doctor exchange.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctor(cmd.Context(), cmd.Flags(), account, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "id of the account whose roles are looked at (default: the key file's)")
	config.AddFlags(cmd.Flags())
	cmd.Flags().SortFlags = false
	cmd.AddCommand(newDoctorExchangeCommand())
	return cmd
}

func runDoctor(ctx context.Context, flags *pflag.FlagSet, account string, out io.Writer) error {
	cfg, err := config.Load(flags, os.Environ())
	if err != nil {
		return err
	}
	if _, err := selectChecks(cfg); err != nil {
		return err
	}
	findings := append([]finding{{what: "configuration", detail: "cloud " + cfg.Cloud + ", cluster " + cfg.Cluster + ", profile " + cfg.Profile}}, machine(ctx, cfg)...)
	if cfg.Cloud == config.CloudMock && cfg.Endpoint == "" {
		findings = append(findings, finding{what: "cloud", detail: "a mock, started with the run"})
	} else {
		findings = append(findings, inCloud(ctx, cfg, account)...)
	}
	if err := printFindings(out, findings); err != nil {
		return err
	}
	if err := printPlan(out, cfg); err != nil {
		return err
	}
	findings = append(findings, affordable(cfg, out))
	if err := printFindings(out, findings[len(findings)-1:]); err != nil {
		return err
	}
	return verdictOf(findings)
}

// affordable prints what the cloud charges for, and holds it against the limit.
func affordable(cfg *config.Config, out io.Writer) finding {
	f := finding{what: "cost", detail: "no limit (max_cost)"}
	table, err := cost.Prices()
	if err != nil {
		f.err = err
		return f
	}
	estimate, err := cost.Of(cfg, table)
	if err == nil {
		err = estimate.Write(out)
	}
	if err != nil {
		f.err = err
		return f
	}
	if err := estimate.Within(cfg.MaxCost); err != nil {
		f.err = usageError(err)
	} else if cfg.MaxCost != "" {
		f.detail = "within max_cost " + cfg.MaxCost
	}
	return f
}

func printFindings(out io.Writer, findings []finding) error {
	var text strings.Builder
	for _, f := range findings {
		switch {
		case f.err != nil:
			fmt.Fprintf(&text, "MISSING  %s: %v\n", f.what, f.err)
			if remedy := cmp.Or(f.remedy, hintOf(f.err)); remedy != "" {
				fmt.Fprintf(&text, "         What to do: %s\n", remedy)
			}
		case f.unseen:
			fmt.Fprintf(&text, "unseen   %s: %s\n", f.what, f.detail)
		default:
			fmt.Fprintf(&text, "ok       %s: %s\n", f.what, f.detail)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// hintOf is what an error says that the user can do.
func hintOf(err error) string {
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.hint
	}
	return ""
}

// verdictOf ends the command: 2 if the user's input is at fault, else 3 if
// anything is missing.
func verdictOf(findings []finding) error {
	code := report.ExitConformant
	for _, f := range findings {
		if f.err == nil {
			continue
		}
		if explain(f.err, io.Discard) == report.ExitUsage {
			return finished(report.ExitUsage)
		}
		code = report.ExitEngine
	}
	return finished(code)
}

// printPlan shows what a run would create, and how long that usually takes.
func printPlan(out io.Writer, cfg *config.Config) error {
	graph, err := provision.Plan(cfg)
	if err != nil {
		return err
	}
	usual := provision.Usual(cfg)
	path := graph.CriticalPath(usual)
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "\nA run creates, and deletes:")
	for _, step := range graph.Steps() {
		after := strings.Join(step.Needs, ", ")
		if after != "" {
			after = "after " + after
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", step.Name, step.Kind, after)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if path.Length == 0 {
		return nil
	}
	_, err = fmt.Fprintf(out, "\nUsually %s, of which nothing can be saved by doing more at once: %s\n", path.Length, strings.Join(path.Steps, " -> "))
	return err
}
