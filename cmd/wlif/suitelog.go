package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

// suiteLog is the process that the suite talks to. It is not the launcher: when that
// is killed the suite must go on to its teardown, and a program dies (SIGPIPE) when
// it talks to somebody who is gone.
type suiteLog struct {
	// in is what the suite writes to.
	in      *os.File
	command *exec.Cmd
	ended   chan error
}

// startSuiteLog starts it in a process group of its own, so that no signal for the
// suite reaches it: it ends when nobody can talk to it any more.
func startSuiteLog(path string, environ []string) (*suiteLog, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program, to write the suite's log: %w", err)
	}
	from, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the suite's log: %w", err)
	}
	defer from.Close()
	l := &suiteLog{in: in, command: exec.Command(self, "suite-log", path), ended: make(chan error, 1)} //nolint:gosec // G204: this program itself
	l.command.Env, l.command.Stdin, l.command.Stderr = environ, from, os.Stderr
	l.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := l.command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("making the suite's log: %w", err), in.Close())
	}
	go func() { l.ended <- l.command.Wait() }()
	return l, nil
}

// close returns when everything that the suite said is in the log. A process that
// outlives the suite must not keep it open.
func (l *suiteLog) close() error {
	_ = l.in.Close() // it may be closed already
	late := time.NewTimer(endBudget)
	defer late.Stop()
	var err error
	select {
	case err = <-l.ended:
	case <-late.C:
		err = errors.Join(fmt.Errorf("some process still talks to it after %s", endBudget), l.command.Process.Kill(), <-l.ended)
	}
	if err != nil {
		return fmt.Errorf("writing the suite's log: %w", err)
	}
	return nil
}

// newSuiteLogCommand is that process. People have no use for it.
func newSuiteLogCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "suite-log FILE",
		Short:  "Write what the suite says to a file, without secrets",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			return writeSuiteLog(args[0], cmd.InOrStdin())
		},
	}
}

// writeSuiteLog copies in to a file without the secrets of the run's configuration.
// When the file cannot be written it reads on: the suite must not wait for a disk.
func writeSuiteLog(path string, in io.Reader) error {
	cfg, err := config.LoadResolved(os.Getenv(config.EnvRunConfig), os.Environ())
	if err != nil {
		return err
	}
	redactor := &redact.Redactor{}
	for name, secret := range cfg.Secrets() {
		if err := redactor.Register(name, secret.Reveal()); err != nil {
			return err
		}
	}
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // G304: a file of the run's own folder
	if err != nil {
		return fmt.Errorf("making the suite's log: %w", err)
	}
	redacted := redactor.Writer(log)
	_, failed := io.Copy(redacted, in)
	_, _ = io.Copy(io.Discard, in) // only for who writes
	return errors.Join(failed, redacted.Close(), log.Close())
}
