package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/killmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

// killFlags are the words of `wlif bugs`.
type killFlags struct {
	names []string
	full  bool
	jobs  int
	out   string
	page  bool
	// outages alone, without any bug.
	outages bool
}

func newKillCommand() *cobra.Command {
	var f killFlags
	cmd := &cobra.Command{
		Use:   "bugs",
		Short: "Prove that the checks catch the bugs of the mock cloud",
		Long: `Prove that the checks catch the bugs of the mock cloud.

Each bug is turned on in a folder of its own, and a run there must end with FAIL
in every requirement that the bug names, and in no other. The runs share one
cluster; one with a bug of a cluster has a cluster for itself meanwhile. Beside them is a run without any
bug: where that is not green, nothing is proven, and they are called off.

Exit code 0: every bug was caught as declared, and every MUST requirement caught
one or is proven by a test with a broken fixture. The page that --page prints is
committed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.page {
				return killmatrix.Declared().WriteMarkdown(cmd.OutOrStdout())
			}
			return runKill(cmd.Context(), f, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.names, "bug", nil, "name of a bug, or a pattern such as 'Jwks*'; may be repeated (default: all)")
	flags.BoolVar(&f.full, "full", false, "run the whole profile full for each bug, not only the areas it concerns")
	flags.IntVar(&f.jobs, "jobs", 12, "how many bugs at once: a run waits more than it works")
	flags.StringVar(&f.out, "out", "", "folder for the runs' journals, and the reports of those that are not as declared (default: reports/runs/bugs-<time>)")
	flags.BoolVar(&f.outages, "outages", false, "only see that a cloud which does not answer is never taken for one that refuses; without --bug this is done beside the bugs")
	flags.BoolVar(&f.page, "page", false, "print what the bugs declare, as Markdown, and run nothing")
	return cmd
}

// chosenBugs are those that the patterns name, in the table's order.
func chosenBugs(patterns []string) ([]bugs.Bug, error) {
	if len(patterns) == 0 {
		return bugs.All(), nil
	}
	chosen := map[string]bool{}
	for _, pattern := range patterns {
		matches := false
		for _, b := range bugs.All() {
			if ok, err := path.Match(pattern, b.Name); err == nil && ok {
				chosen[b.Name], matches = true, true
			}
		}
		if !matches {
			_, err := bugs.Lookup(pattern)
			return nil, usageError(fmt.Errorf("--bug %s: %w", pattern, err))
		}
	}
	return slices.DeleteFunc(bugs.All(), func(b bugs.Bug) bool { return !chosen[b.Name] }), nil
}

func runKill(ctx context.Context, f killFlags, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	chosen, err := chosenBugs(f.names)
	if err != nil {
		return err
	}
	if _, err := findTools(); err != nil {
		return err
	}
	cfg, err := config.Load(nil, os.Environ())
	if err != nil {
		return err
	}
	if cfg.Cloud != config.CloudMock || cfg.Endpoint != "" {
		return usageError(errors.New("bugs are the mock cloud's; unset WLIF_CLOUD and YC_ENDPOINT"))
	}
	began := time.Now()
	if f.out == "" {
		f.out = filepath.Join(cfg.Out, "bugs-"+began.UTC().Format("20060102T150405Z"))
	}
	if f.out, err = filepath.Abs(f.out); err != nil {
		return err
	}
	k := &killer{killFlags: f, cfg: cfg, environ: os.Environ(), console: newConsole(out, &redact.Redactor{})}
	if k.self, err = os.Executable(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.close(context.WithoutCancel(ctx))) }()
	if err := k.open(ctx); err != nil {
		return err
	}
	if f.outages {
		return k.runOutages(ctx)
	}
	return k.runBugs(ctx, chosen, began)
}

// runBugs runs the control, the bugs and, if these are all, the outages.
func (k *killer) runBugs(ctx context.Context, chosen []bugs.Bug, began time.Time) error {
	k.console.say("%d bugs, %d at once, journals in %s", len(chosen), k.jobs, k.out)
	asked := ctx
	// The control waits more than it works, so it is beside the bugs; what they show
	// counts only if it is green, so its failure calls them off.
	control, ctx := errgroup.WithContext(ctx)
	control.Go(func() error { return k.runControl(ctx) })
	var beside errgroup.Group
	all := len(k.names) == 0
	if all {
		beside.Go(func() error { return k.outagesBeside(ctx) })
	}
	results := k.runAll(ctx, chosen)
	outages, red := beside.Wait(), control.Wait()
	switch {
	case asked.Err() != nil:
		return errors.New("interrupted")
	case red != nil:
		return red
	}
	return k.conclude(killmatrix.Matrix{Results: results}, outages, all, time.Since(began))
}

// runControl is a run without any bug.
func (k *killer) runControl(ctx context.Context) error {
	made, err := k.runSuite(ctx, noBug)
	if err != nil {
		return err
	}
	if faults := killmatrix.Control(made.report); len(faults) > 0 {
		return errors.Join(fmt.Errorf("a run without any bug must be green:\n  %s", strings.Join(faults, "\n  ")), made.writeReports())
	}
	return nil
}
