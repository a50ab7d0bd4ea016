package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Set by the linker (-X main.version=...); empty in a plain `go build`, which
// records the commit by itself.
var (
	version string
	commit  string
)

// toolVersion gives version and commit of this binary.
func toolVersion() (string, string) {
	v, c := version, commit
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, c
	}
	if v == "" {
		v = info.Main.Version
	}
	if c == "" {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				c = setting.Value
			}
		}
	}
	return v, c
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the tool",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, c := toolVersion()
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "wlif %s %s\n", v, c)
			return err
		},
	}
}
