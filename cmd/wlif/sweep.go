package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kind"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// sweepFlags are the words of `wlif sweep` beside the configuration's.
type sweepFlags struct {
	run       string
	olderThan time.Duration
	dryRun    bool
	force     bool
}

func newSweepCommand() *cobra.Command {
	var f sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Delete what earlier runs left behind, from their ledgers and labels",
		Long: `Delete what earlier runs left behind, from their ledgers and labels.

Only resources that carry a run's label or name are considered, and of those only
of runs that have expired (or of the one that --run names). A run that is alive on this
machine is never touched; one without a ledger here may be alive on another until it
expires, and is then swept only with --run and --force. A mock that a run with --keep
left running is stopped, one whose run was killed is waited for, and folders of mocks
that no process holds are removed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSweep(cmd.Context(), f, cmd.Flags(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.run, "run", "", "id of the run to delete, even if it has not expired")
	flags.BoolVar(&f.force, "force", false, "with --run: delete it though its ledger is not on this machine and it has not expired")
	flags.DurationVar(&f.olderThan, "older-than", 0, "leave runs alone that started less than this ago, such as 2h")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be deleted, and delete nothing")
	config.AddFlags(flags)
	flags.SortFlags = false
	return cmd
}

func runSweep(ctx context.Context, f sweepFlags, flags *pflag.FlagSet, out io.Writer) error {
	if f.run != "" && !provision.ValidRunID(f.run) {
		return usageError(fmt.Errorf("--run %q is no run id: 8 characters a-z and 0-9, first a letter", f.run))
	}
	if f.force && f.run == "" {
		return usageError(errors.New("--force needs --run: it is for one run that is known to be dead"))
	}
	cfg, err := config.Load(flags, os.Environ())
	if err != nil {
		return err
	}
	state, err := provision.StateDir()
	if err != nil {
		return err
	}
	ledgers, err := provision.Ledgers(state)
	if err != nil {
		return err
	}
	ownMocks := cfg.Cloud == config.CloudMock && cfg.Endpoint == ""
	if f.run != "" {
		for _, ledger := range ledgers {
			if ledger.Header.RunID == f.run && ledger.Header.Local[localMockDir] != "" {
				return sweepLedgered(ctx, f, cfg, ledger, out)
			}
		}
		if ownMocks {
			if found, err := sweepUnledgered(ctx, f, ledgers, out); found || err != nil {
				return err
			}
			return hinted(usageError(fmt.Errorf("no ledger of a run %s with a mock is on this machine", f.run)),
				"for a run in the real cloud add --cloud yandex and its folder; the ledgers are in "+state)
		}
	}
	if ownMocks {
		return sweepMocks(ctx, f, ledgers, out)
	}
	return sweepCloud(ctx, f, cfg, out)
}

// sweepCloud sweeps one folder of a cloud that runs by itself.
func sweepCloud(ctx context.Context, f sweepFlags, cfg *config.Config, out io.Writer) error {
	client, err := connect(ctx, cfg, f.run)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close(ctx) }() // nothing depends on it any more
	left, err := sweepRuns(ctx, f, cfg, client, out)
	if err != nil {
		return err
	}
	if left {
		return finished(report.ExitLeft)
	}
	return nil
}

// sweepRuns sweeps and prints what came of it.
func sweepRuns(ctx context.Context, f sweepFlags, cfg *config.Config, client *cloud.Client, out io.Writer) (left bool, err error) {
	state, err := provision.StateDir()
	if err != nil {
		return false, err
	}
	runs, err := provision.Sweep(ctx, provision.SweepOptions{
		Config: cfg, Client: client, StateDir: state, RunID: f.run, Force: f.force, OlderThan: f.olderThan, DryRun: f.dryRun, Dial: cluster.Dial,
	})
	if f.run != "" && err == nil && len(runs) == 1 && runs[0].Skipped != "" {
		return false, usageError(fmt.Errorf("nothing of run %s was deleted: %s", f.run, runs[0].Skipped))
	}
	for _, r := range runs {
		left = printSwept(out, r, f.dryRun) || left
	}
	if len(runs) == 0 && err == nil {
		_, _ = fmt.Fprintln(out, "Nothing of ours is left.")
	}
	return left, err
}

func printSwept(out io.Writer, r provision.RunSweep, dryRun bool) (left bool) {
	switch {
	case r.Skipped != "":
		_, _ = fmt.Fprintf(out, "run %s: left alone: %s\n", r.RunID, r.Skipped)
		return false
	case dryRun:
		for _, found := range r.Found {
			_, _ = fmt.Fprintf(out, "run %s: would delete %s %s %s\n", r.RunID, found.Kind, found.ID, found.Name)
		}
		return false
	case r.Outcome == nil:
		return false
	}
	_, _ = fmt.Fprintf(out, "run %s: deleted %d resources in %s\n", r.RunID, len(r.Outcome.Deleted), r.Outcome.Took.Round(time.Millisecond))
	for _, l := range r.Outcome.Left {
		_, _ = fmt.Fprintf(out, "run %s: left behind: %s %s %s: %s; by hand: %s\n", r.RunID, l.Kind, l.ID, l.Name, l.Reason, l.Command)
	}
	return len(r.Outcome.Left) > 0
}

// sweepMocks sweeps every run of this machine whose mock was kept or that was killed,
// also before there was a ledger. Each mock has a CA of its own, of which a process
// can trust one only.
func sweepMocks(ctx context.Context, f sweepFlags, ledgers []provision.LedgerInfo, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	found, err := sweepUnledgered(ctx, f, ledgers, out)
	if err != nil {
		return err
	}
	code := report.ExitConformant
	for _, ledger := range ledgers {
		h := ledger.Header
		if h.Local[localMockDir] == "" {
			continue
		}
		found = true
		switch {
		case runAlive(ctx, ledger):
			_, _ = fmt.Fprintf(out, "run %s: left alone: it is alive\n", h.RunID)
			continue
		case mockAlive(h) && (time.Now().Before(h.Expires) && !mockEnding(h) || time.Since(h.Started) < f.olderThan):
			_, _ = fmt.Fprintf(out, "run %s: left alone: expires at %s; name it with --run\n", h.RunID, h.Expires.UTC().Format(time.RFC3339))
			continue
		}
		arguments := []string{"sweep", "--run", h.RunID}
		if f.dryRun {
			arguments = append(arguments, "--dry-run")
		}
		command := exec.CommandContext(ctx, self, arguments...) //nolint:gosec // G204: this program itself
		command.Stdout, command.Stderr = out, out
		if err := command.Run(); err != nil {
			code = max(code, command.ProcessState.ExitCode())
		}
	}
	if !found {
		_, _ = fmt.Fprintln(out, "Nothing of ours is left.")
	}
	return finished(code)
}

// sweepUnledgered removes the folders and containers of mocks that no ledger
// knows, or of the run that --run names.
func sweepUnledgered(ctx context.Context, f sweepFlags, ledgers []provision.LedgerInfo, out io.Writer) (found bool, err error) {
	chosen := func(runID string) bool { return f.run == "" || f.run == runID }
	folders, err := orphans(ledgers)
	var free []orphan
	for _, o := range folders {
		if !chosen(o.runID) {
			continue
		}
		found = true
		if o.leave(f, out) {
			continue
		}
		if failed := o.free(ctx, out); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		free = append(free, o)
	}
	// No mock uses what those had that were waited for.
	containers, failed := findLostContainers(ctx, ledgers)
	var none *kind.NoDockerError
	if !errors.As(failed, &none) {
		// A daemon that does not run runs nothing; what it keeps is found when it does.
		err = errors.Join(err, failed)
	}
	for _, c := range containers {
		if chosen(c.runID()) {
			found, err = true, errors.Join(err, c.sweep(ctx, f, out))
		}
	}
	for _, o := range free {
		err = errors.Join(err, o.remove(out))
	}
	if f.run == "" && failed == nil {
		built, failed := sweepBuilds(ctx, f, out)
		found, err = found || built, errors.Join(err, failed)
	}
	return found, err
}

// runAlive reports whether a process of the run lives: one that holds the ledger, or
// the launcher, which leaves the ledger to the others. Where the launcher has ended,
// the others may have been killed with it a moment ago.
func runAlive(ctx context.Context, l provision.LedgerInfo) bool {
	return fateOf(l.Header.Local[localMockDir]) == launched || l.StillAlive(ctx)
}

// mockEnding reports whether a mock that still lives was to end with its launcher, which
// has ended.
func mockEnding(h provision.Header) bool {
	return h.Local[localKept] == "false" && fateOf(h.Local[localMockDir]) == orphaned
}

// awaitMock waits for a mock whose launcher has ended.
func awaitMock(ctx context.Context, runID, dir string, out io.Writer) error {
	_, _ = fmt.Fprintf(out, "run %s: waiting for its mock, which is ending\n", runID)
	killed, err := endMock(ctx, dir, stopBudget)
	if killed {
		_, _ = fmt.Fprintf(out, "run %s: its mock did not end within %s and was killed\n", runID, stopBudget)
	}
	return err
}

func mockAlive(h provision.Header) bool {
	pid, err := strconv.Atoi(h.Local[localMockPID])
	if err != nil {
		return false
	}
	// The folder's name is in the mock's arguments, so that another process which
	// got its number is not taken for it.
	arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && containsWord(arguments, filepath.Join(h.Local[localMockDir], announceName))
}

func containsWord(arguments []byte, word string) bool {
	return slices.ContainsFunc(bytes.Split(arguments, []byte{0}), func(argument []byte) bool { return string(argument) == word })
}

// sweepLedgered deletes a run with a mock of its own, stops the mock and removes what it
// had on this machine. If the mock is gone, so is everything that was in it.
func sweepLedgered(ctx context.Context, f sweepFlags, cfg *config.Config, ledger provision.LedgerInfo, out io.Writer) error {
	h := ledger.Header
	if runAlive(ctx, ledger) {
		return usageError(fmt.Errorf("the run %s is alive: process %d started it, and a process of it lives", h.RunID, h.PID))
	}
	m := &mockProcess{dir: h.Local[localMockDir], containers: h.Local[localContainers]}
	switch {
	case mockEnding(h) && f.dryRun:
		_, _ = fmt.Fprintf(out, "run %s: would wait for its mock, which is ending, and remove what it has on this machine\n", h.RunID)
		return nil
	case mockEnding(h):
		if err := awaitMock(ctx, h.RunID, m.dir, out); err != nil {
			return err
		}
		return m.forget(ctx, f, ledger, out)
	case !mockAlive(h):
		return m.forget(ctx, f, ledger, out)
	}
	m, err := mockOf(h)
	if err != nil {
		return err
	}
	if err := m.apply(cfg); err != nil {
		return fmt.Errorf("finding the mock of run %s: %w", h.RunID, err)
	}
	client, err := connect(ctx, cfg, h.RunID)
	if err != nil {
		return err
	}
	left, err := sweepRuns(ctx, f, cfg, client, out)
	_ = client.Close(ctx) // nothing depends on it any more
	if err != nil || left || f.dryRun {
		if left {
			return errors.Join(err, finished(report.ExitLeft))
		}
		return err
	}
	if _, err := endMock(ctx, m.dir, stopBudget); err != nil {
		return err
	}
	return m.clear(context.WithoutCancel(ctx))
}

// forget removes what a mock that has ended had on this machine, and its ledger.
func (m *mockProcess) forget(ctx context.Context, f sweepFlags, ledger provision.LedgerInfo, out io.Writer) error {
	_, _ = fmt.Fprintf(out, "run %s: its mock has ended, and everything in it with it\n", ledger.Header.RunID)
	if f.dryRun {
		return nil
	}
	// The ledger goes last: without it nobody would look for the containers.
	if err := m.clear(ctx); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Dir(ledger.Path))
}
