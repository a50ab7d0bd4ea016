package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// addBugs makes the bugs of the command line act in every folder, beside those of
// the settings.
func (f mockFlags) addBugs(set *settings.Settings) error {
	for _, name := range f.bugs {
		if _, err := bugs.Lookup(name); err != nil {
			return hinted(usageError(fmt.Errorf("--bug %s: %w", name, err)), "bugs: "+strings.Join(bugs.Names(), ", "))
		}
	}
	if len(f.bugs) > 0 {
		if set.Bugs == nil {
			set.Bugs = map[string][]string{}
		}
		set.Bugs[bugs.Everywhere] = bugs.SetOf(set.Bugs[bugs.Everywhere], f.bugs)
	}
	return nil
}

func newBugsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "bugs",
		Short: "List the bugs that the mock can be given, and which requirements' checks must notice each",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return printBugs(cmd.OutOrStdout()) },
	}
}

func printBugs(out io.Writer) error {
	var text strings.Builder
	for _, b := range bugs.All() {
		fmt.Fprintf(&text, "%s (%s)\n  %s\n  must fail: %s\n", b.Name, b.Area, b.Doc, strings.Join(b.MustKill, ", "))
		for _, m := range b.MayKill {
			fmt.Fprintf(&text, "  may fail:  %s: %s\n", m.ID, m.Why)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}
