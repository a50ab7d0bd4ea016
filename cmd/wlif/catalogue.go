package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
)

func newCatalogueCommand() *cobra.Command {
	var output, profile string
	cmd := &cobra.Command{
		Use:   "catalogue",
		Short: "List the requirements, where each comes from, and the profiles",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			requirements := conformance.Catalogue()
			if profile != "" {
				p, err := conformance.FindProfile(profile)
				if err != nil {
					return usageError(err)
				}
				requirements = slices.DeleteFunc(requirements, func(r conformance.Requirement) bool { return !slices.Contains(p.Requirements, r.ID) })
			}
			switch output {
			case "table":
				return catalogueTable(cmd.OutOrStdout(), requirements)
			case "yaml":
				return catalogueYAML(cmd.OutOrStdout(), requirements)
			case "markdown":
				_, err := io.WriteString(cmd.OutOrStdout(), conformance.Page(requirements))
				return err
			}
			return usageError(fmt.Errorf("--output is %q; allowed: table, yaml, markdown", output))
		},
	}
	cmd.Flags().StringVar(&output, "output", "table", "table, yaml or markdown")
	cmd.Flags().StringVar(&profile, "profile", "", "only the requirements of one profile")
	return cmd
}

func catalogueTable(out io.Writer, requirements []conformance.Requirement) error {
	var text strings.Builder
	for _, r := range requirements {
		fmt.Fprintf(&text, "%-7s %-48s %s\n", r.Level, r.ID, r.Sources[0])
	}
	text.WriteString("\nProfiles:\n")
	for _, p := range conformance.Profiles() {
		fmt.Fprintf(&text, "%-12s %3d requirements: %s\n", p.Name, len(p.Requirements), p.Description)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func catalogueYAML(out io.Writer, requirements []conformance.Requirement) error {
	text, err := yaml.Marshal(map[string]any{"requirements": requirements, "profiles": conformance.Profiles(), "features": conformance.Features()})
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
