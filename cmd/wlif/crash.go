package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/crashmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/gate"
	"github.com/wlif-conformance/wlif-conformance/framework/redact"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// crashFlags are the words of `wlif crash`.
type crashFlags struct {
	sample, jobs int
	call         int
	out          string
}

func newCrashCommand() *cobra.Command {
	var f crashFlags
	cmd := &cobra.Command{
		Use:   "crash",
		Short: "Prove that a run that is killed leaves nothing behind",
		Long: `Prove that a run that is killed leaves nothing behind.

A run of the tutorial is killed (SIGKILL) before and after each of its mutating
calls, with all its processes, the launcher alone, and one process of the suite
alone, while the call waits in a mock cloud that survives. Then wlif sweep runs: on
every second point where the ledger is not, as on another machine. The mock itself
must have something before the sweep and nothing after it, and every verdict that
had been reached must be in the report.

The clusters of most runs are stand-ins for one that runs; at the calls that make
and delete clusters and node groups they are real. The two checks that exchange a
token in the tutorial's shell are left out: they install a package for half a
minute and change nothing.

Exit code 0: everything is as it must be; else 1. The table is printed and written
to crash.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCrash(cmd.Context(), f, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.sample, "sample", 0, "take only that many points, evenly chosen (default: all)")
	flags.IntVar(&f.call, "call", 0, "take only the points of the call of this number")
	flags.IntVar(&f.jobs, "jobs", 3, "how many points at once")
	flags.StringVar(&f.out, "out", "", "folder for the runs' reports (default: reports/runs/crash-<time>)")
	return cmd
}

// crasher kills runs against one mock. It has a killer's mock and shared cluster.
type crasher struct {
	killer
	sample, call int
}

func runCrash(ctx context.Context, f crashFlags, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if f.sample < 0 || f.jobs < 1 || f.call < 0 {
		return usageError(errors.New("--sample and --call are not negative, --jobs is at least 1"))
	}
	began := time.Now()
	c, err := newCrasher(f, "crash-", out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close(context.WithoutCancel(ctx))) }()
	if err := c.open(ctx); err != nil {
		return err
	}
	points, err := c.points(ctx)
	if err != nil {
		return err
	}
	before, err := c.mock.inventory(ctx)
	if err != nil {
		return err
	}
	c.console.say("%d points, %d at once, reports in %s", len(points), c.jobs, c.out)
	matrix := c.crashAll(ctx, points)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return c.concludeCrashes(ctx, matrix, before, time.Since(began))
}

// newCrasher starts nothing yet. prefix begins the name of its folder, unless that is
// given.
func newCrasher(f crashFlags, prefix string, out io.Writer) (*crasher, error) {
	if _, err := findTools(); err != nil {
		return nil, err
	}
	cfg, err := config.Load(nil, os.Environ())
	if err != nil {
		return nil, err
	}
	if cfg.Cloud != config.CloudMock || cfg.Endpoint != "" {
		return nil, usageError(errors.New("this is for the mock cloud; unset WLIF_CLOUD and YC_ENDPOINT"))
	}
	if f.out == "" {
		f.out = filepath.Join(cfg.Out, prefix+time.Now().UTC().Format("20060102T150405Z"))
	}
	if f.out, err = filepath.Abs(f.out); err != nil {
		return nil, err
	}
	c := &crasher{sample: f.sample, call: f.call,
		killer: killer{killFlags: killFlags{jobs: f.jobs, out: f.out}, cfg: cfg, console: newConsole(out, &redact.Redactor{})}}
	c.self, err = os.Executable()
	return c, err
}

// points are the mutating calls of a run that nobody kills.
func (c *crasher) points(ctx context.Context) ([]crashmatrix.Point, error) {
	const name = "control"
	folder, err := c.folder(ctx, name, false)
	if err != nil {
		return nil, err
	}
	made, err := c.launch(ctx, name, c.runArguments(folder))
	if err != nil {
		return nil, err
	}
	if made.report.Outcome.ExitCode != report.ExitConformant {
		return nil, errors.Join(fmt.Errorf("a run that nobody kills must be green, and this one is not: %s", made.report.Outcome.Text), made.writeReports())
	}
	methods, err := mutations(c.audit(), made.report.Run.ID)
	if err != nil {
		return nil, err
	}
	c.console.say("a run makes %d mutating calls", len(methods))
	points := crashmatrix.Points(methods)
	if c.call > 0 {
		points = slices.DeleteFunc(points, func(p crashmatrix.Point) bool { return p.N != c.call })
	}
	return crashmatrix.Sample(points, c.sample), nil
}

// mutations are the methods of a run's mutating calls, in the order of the audit log.
func mutations(audit, runID string) ([]string, error) {
	raw, err := os.ReadFile(audit) //nolint:gosec // G304: the command's own audit log
	if err != nil {
		return nil, fmt.Errorf("reading the mock's audit log: %w", err)
	}
	var methods []string
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		var made call
		if err := json.Unmarshal(lines.Bytes(), &made); err != nil {
			return nil, fmt.Errorf("reading the mock's audit log %s: %w", audit, err)
		}
		if made.Run == runID && made.Verdict == "allowed" && gate.Mutates(made.Method) {
			methods = append(methods, made.Method)
		}
	}
	if len(methods) == 0 {
		return nil, fmt.Errorf("the mock's audit log %s has no mutating call of run %s", audit, runID)
	}
	return methods, nil
}

// folder makes a folder, with clusters of its own or a stand-in for them.
func (c *crasher) folder(ctx context.Context, name string, ownCluster bool) (string, error) {
	folder, err := c.mock.addFolder(ctx, name)
	if err != nil || ownCluster {
		return folder, err
	}
	patch := map[string]any{"stand_ins": map[string]string{folder: c.cluster.ID}}
	if err := c.mock.admin(ctx, http.MethodPatch, "/settings", patch, nil); err != nil {
		return "", fmt.Errorf("letting the cluster %s stand in in folder %s: %w", c.cluster.ID, folder, err)
	}
	return folder, nil
}

// runArguments are those of a run in a folder: the tutorial, but for what installs
// programs and changes nothing.
func (c *crasher) runArguments(folder string) []string {
	profile, err := conformance.FindProfile(conformance.ProfileCore)
	if err != nil {
		panic(err) // it is a constant
	}
	ids := slices.DeleteFunc(slices.Clone(profile.Requirements), func(id string) bool {
		r, _ := conformance.Lookup(id)
		return r.AtTheEnd() || id == conformance.TutorialExchange || id == conformance.TutorialPayload
	})
	return slices.Concat([]string{"run", "--profile=core", "--requirement=" + strings.Join(ids, ",")}, c.cloudArguments(folder))
}

// cloudArguments say where the cloud is.
func (c *crasher) cloudArguments(folder string) []string {
	return []string{"--folder-id=" + folder, "--cloud-id=" + c.cfg.CloudID, "--endpoint=" + c.cfg.Endpoint, "--token-endpoint=" + c.cfg.TokenEndpoint,
		"--storage-endpoint=" + c.cfg.StorageEndpoint, "--payload-endpoint=" + c.cfg.PayloadEndpoint, "--audit-log=" + c.audit(),
		"--lacks=" + strings.Join(c.mock.announced.ClusterFeaturesLacking, ",")}
}

// crashAll goes to every point, several at once.
func (c *crasher) crashAll(ctx context.Context, points []crashmatrix.Point) crashmatrix.Matrix {
	matrix := make(crashmatrix.Matrix, len(points))
	next := make(chan int)
	var workers sync.WaitGroup
	for range c.jobs {
		workers.Go(func() {
			for i := range next {
				began := time.Now()
				seen := c.crash(ctx, points[i], (i+points[i].N)%2 == 1)
				seen.Took = time.Since(began)
				matrix[i] = crashmatrix.Judge(points[i], seen)
				c.tellCrash(matrix[i])
			}
		})
	}
	for i := range points {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return matrix
}

func (c *crasher) tellCrash(r crashmatrix.Result) {
	word := "nothing left"
	if len(r.Faults) > 0 {
		word = "NOT AS IT MUST BE"
	}
	c.console.say("%-17s %-90s held %2d, before the sweep %2d, after %d, verdicts %2d  %6s", word, r.Point, r.Seen.Held, r.Seen.Before, r.Seen.After, len(r.Seen.Finished), r.Seen.Took.Round(100*time.Millisecond))
	for _, fault := range r.Faults {
		c.console.say("                  %s", fault)
	}
}

// concludeCrashes writes the table, and looks once more for what the folders' own
// inventories could not show: what hangs on things that are gone.
func (c *crasher) concludeCrashes(ctx context.Context, m crashmatrix.Matrix, before []mockResource, took time.Duration) error {
	page, err := os.OpenFile(filepath.Join(c.out, "crash.md"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(m.WriteMarkdown(page), page.Close()); err != nil {
		return err
	}
	failures := m.Failures(c.call > 0)
	now, err := c.mock.inventory(ctx)
	if err != nil {
		return err
	}
	for _, r := range now {
		if r.Type != kindFolder && !slices.Contains(before, r) {
			failures = append(failures, fmt.Sprintf("in the end the mock still has %s %s %s", r.Type, r.ID, r.Name))
		}
	}
	c.console.say("%d points in %s; the table is in %s", len(m), took.Round(time.Second), page.Name())
	if len(failures) > 0 {
		return &exitError{code: report.ExitFailed, err: errors.New(strings.Join(failures, "; "))}
	}
	return nil
}

// kindFolder is a folder in the mock's inventory; each point has one.
const kindFolder = "resource-manager.folder"
