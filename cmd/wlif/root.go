package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra" // commands, flags and help texts

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// exitError ends the program with a code of DESIGN's table. A silent one has
// been explained already.
type exitError struct {
	code   int
	err    error
	hint   string
	silent bool
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usageError is wrong input of the user.
func usageError(err error) error { return &exitError{code: report.ExitUsage, err: err} }

// hinted adds what the user can do.
func hinted(err error, hint string) error {
	code := report.ExitEngine
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	return &exitError{code: code, err: err, hint: hint}
}

// finished ends the program after the command has said everything itself.
func finished(code int) error {
	if code == report.ExitConformant {
		return nil
	}
	return &exitError{code: code, err: fmt.Errorf("exit code %d", code), silent: true}
}

const rootLong = `wlif tests workload identity federation (WLIF) of Yandex Cloud with Managed
Kubernetes, end to end: a pod's Kubernetes token becomes an IAM token, the IAM
token opens a Lockbox secret, and nothing is left behind.

Start with:
  wlif doctor      what is missing on this machine, and what a run would create
  wlif run         the whole tutorial on a mock cloud with a real cluster; needs
                   no account
  wlif run --cloud yandex --folder-id b1g...
                   the same on the real cloud: creates, tests, deletes
  wlif doctor exchange --cloud yandex --federation F --service-account S
       --token-file T  why a token of your own is refused

Every flag can also be an environment variable (shown in brackets) or a key of a
YAML file (--config).

Exit codes: 0 conformant; 1 a requirement failed; 2 wrong usage or
configuration; 3 the engine failed, nothing is said about the target; 4
something was left behind.`

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "wlif",
		Short:         "Conformance of workload identity federation with Managed Kubernetes",
		Long:          rootLong,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	root.AddCommand(newRunCommand(), newDoctorCommand(), newSweepCommand(), newKillCommand(), newCrashCommand(), newFaultsCommand(), newReportCommand(), newCatalogueCommand(), newVersionCommand(), newSuiteLogCommand(), newMockCommand(), newNodeImageCommand(), newKubeTokenCommand(), newClusterCommand())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{code: report.ExitUsage, err: config.FlagError(cmd.Flags(), err), hint: fmt.Sprintf("`%s --help` lists the flags", cmd.CommandPath())}
	})
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	slices.Sort(known)
	message := fmt.Sprintf("there is no command %q", name)
	if near := config.Nearest(name, known); near != "" {
		message += fmt.Sprintf("; did you mean %q?", near)
	}
	return &exitError{code: report.ExitUsage, err: errors.New(message), hint: "commands: " + strings.Join(known, ", ")}
}

// execute runs the command line and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return explain(root.ExecuteContext(ctx), stderr)
}

// explain prints an error as one clear sentence, with what can be done about it.
func explain(err error, stderr io.Writer) int {
	if err == nil {
		return report.ExitConformant
	}
	var (
		exit  *exitError
		wrong *config.Error
		code  = report.ExitEngine
		hint  string
	)
	switch {
	case errors.As(err, &exit):
		code, hint = exit.code, exit.hint
	case errors.As(err, &wrong):
		code = wrong.ExitCode()
	case isArgsError(err):
		code = report.ExitUsage
	}
	if exit != nil && exit.silent {
		return code
	}
	var redactor redact.Redactor
	// Nothing is left to tell somebody whose standard error is closed.
	_, _ = fmt.Fprintln(stderr, redactor.String("wlif: "+err.Error()))
	if hint != "" {
		_, _ = fmt.Fprintln(stderr, "hint: "+hint)
	}
	return code
}

// isArgsError recognises cobra's complaint about surplus arguments, which has no
// type of its own.
func isArgsError(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "unknown command ") || strings.HasPrefix(text, "accepts ") || strings.HasPrefix(text, "required flag")
}
