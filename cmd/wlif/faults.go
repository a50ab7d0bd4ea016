package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wlif-conformance/wlif-conformance/framework/crashmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/faultmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

func newFaultsCommand() *cobra.Command {
	var (
		names []string
		out   string
	)
	cmd := &cobra.Command{
		Use:   "faults",
		Short: "See what a run makes of faults of the cloud and of its own disk",
		Long: `See what a run makes of faults of the cloud and of its own disk.

For each fault a run of the tutorial is made on one mock cloud, one after the other.
It must complete, or end as ERROR, as the fault declares, and the mock itself must
have nothing left; what the mock does not let go of during a fault the run must name,
and a sweep after the fault take away. Needs root, for disks that can be full.

Exit code 0: everything is as it must be; else 1. The table is printed and written
to faults.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runFaults(cmd.Context(), names, out, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringArrayVar(&names, "fault", nil, "name of a fault, or a pattern such as 'internal-*'; may be repeated (default: all)")
	cmd.Flags().StringVar(&out, "out", "", "folder for the runs' reports (default: reports/runs/faults-<time>)")
	return cmd
}

// chosenFaults are those that the patterns name, in the table's order.
func chosenFaults(patterns []string) ([]faultmatrix.Fault, error) {
	var out []faultmatrix.Fault
	used := map[string]bool{}
	for _, f := range faultmatrix.Faults() {
		chosen := len(patterns) == 0
		for _, pattern := range patterns {
			if ok, err := path.Match(pattern, f.Name); err == nil && ok {
				chosen, used[pattern] = true, true
			}
		}
		if chosen {
			out = append(out, f)
		}
	}
	for _, pattern := range patterns {
		if !used[pattern] {
			return nil, usageError(fmt.Errorf("--fault %s: there is no such fault", pattern))
		}
	}
	return out, nil
}

func runFaults(ctx context.Context, names []string, folder string, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	chosen, err := chosenFaults(names)
	if err != nil {
		return err
	}
	c, err := newCrasher(crashFlags{jobs: 1, out: folder}, "faults-", out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close(context.WithoutCancel(ctx))) }()
	if err := c.open(ctx); err != nil {
		return err
	}
	c.console.say("%d faults, reports in %s", len(chosen), c.out)
	var matrix faultmatrix.Matrix
	for _, f := range chosen {
		began := time.Now()
		seen := c.meet(ctx, f)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		seen.Took = time.Since(began)
		matrix = append(matrix, faultmatrix.Judge(f, seen))
		c.tellFault(matrix[len(matrix)-1])
	}
	return c.concludeFaults(matrix)
}

func (c *crasher) tellFault(r faultmatrix.Result) {
	c.console.say("%-17s %-27s exit code %d, left %d  %6s  %s", r.Outcome(), r.Fault.Name, r.Seen.Code, r.Seen.Left, r.Seen.Took.Round(100*time.Millisecond), r.Fault.Doc)
	for _, fault := range r.Faults {
		c.console.say("                  %s", fault)
	}
}

func (c *crasher) concludeFaults(m faultmatrix.Matrix) error {
	page, err := os.OpenFile(filepath.Join(c.out, "faults.md"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(m.WriteMarkdown(page), page.Close()); err != nil {
		return err
	}
	c.console.say("%d of %d faults were met as they must be; the table is in %s", len(m)-m.Failed(), len(m), page.Name())
	if m.Failed() > 0 {
		return &exitError{code: report.ExitFailed, err: fmt.Errorf("%d faults were not met as they must be", m.Failed())}
	}
	return nil
}

// meet makes one run during a fault.
func (c *crasher) meet(ctx context.Context, f faultmatrix.Fault) (seen faultmatrix.Seen) {
	ctx, cancel := context.WithTimeoutCause(ctx, crashBudget, fmt.Errorf("it took longer than %s", crashBudget))
	defer cancel()
	v := &crashed{c: c, out: filepath.Join(c.out, f.Name), state: filepath.Join(c.state, f.Name)}
	if f.At != "" {
		v.point = crashmatrix.Point{Method: f.At, Call: 1, After: true}
	}
	seen.Err = func() (err error) {
		if v.folder, err = c.folder(ctx, f.Name, false); err != nil {
			return err
		}
		disk, err := v.smallDisk(f.Disk)
		if err != nil {
			return err
		}
		defer disk.remove()
		defer v.end(context.WithoutCancel(ctx))
		defer func() { err = errors.Join(err, c.injure(context.WithoutCancel(ctx), faultmatrix.Fault{})) }()
		if err := c.injure(ctx, f); err != nil {
			return err
		}
		if err := v.start(ctx, f.Args); err != nil {
			return err
		}
		if f.At != "" {
			if err := v.await(ctx); err != nil {
				return err
			}
			if err := errors.Join(c.advance(ctx, f.Advance), disk.fill()); err != nil {
				return err
			}
			v.release(ctx)
		}
		select {
		case <-v.ended:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		seen.Code = v.command.ProcessState.ExitCode()
		if err := v.find(); err != nil {
			return err
		}
		if made, err := report.Read(filepath.Join(v.runFolder, report.JSONFile)); err == nil {
			seen.Report = made // a full disk has none
		}
		if seen.Left, err = v.inventory(ctx); err != nil || f.Want != report.ExitLeft {
			return err
		}
		if err := c.injure(ctx, faultmatrix.Fault{}); err != nil {
			return err
		}
		if seen.Sweep, err = v.sweep(ctx, false); err != nil {
			return err
		}
		seen.Swept, err = v.inventory(ctx)
		return err
	}()
	return seen
}

// injure sets the mock's faults and latency; those of the zero Fault are none.
func (c *crasher) injure(ctx context.Context, f faultmatrix.Fault) error {
	list := []byte("[]")
	if len(f.Inject) > 0 {
		var err error
		if list, err = json.Marshal(f.Inject); err != nil {
			return err
		}
	}
	latency := map[string]any{"latencies": map[string]string{"*": f.Latency.String()}}
	if err := c.mock.admin(ctx, http.MethodPatch, "/settings", latency, nil); err != nil {
		return fmt.Errorf("setting the mock's latency: %w", err)
	}
	return c.mock.setFaults(ctx, string(list))
}

// advance moves the mock's clock forward.
func (c *crasher) advance(ctx context.Context, by time.Duration) error {
	if by == 0 {
		return nil
	}
	if err := c.mock.admin(ctx, http.MethodPost, "/clock", map[string]string{"advance": by.String()}, nil); err != nil {
		return fmt.Errorf("moving the mock's clock: %w", err)
	}
	return nil
}

// smallDisk is a file system in memory that can be filled. The zero one is none.
type smallDisk struct{ path string }

// diskSize is enough for the run to start: it looks for space for its reports.
const diskSize = "size=80m,mode=0700"

// smallDisk puts the run's reports or its ledger on a small disk.
func (v *crashed) smallDisk(of faultmatrix.Disk) (smallDisk, error) {
	var d smallDisk
	switch of {
	case faultmatrix.Reports:
		d.path = filepath.Join(v.out, reportsOf)
	case faultmatrix.Ledgers:
		d.path = v.state
	default:
		return d, nil
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return d, err
	}
	if err := syscall.Mount("tmpfs", d.path, "tmpfs", 0, diskSize); err != nil {
		return smallDisk{}, fmt.Errorf("mounting a small disk at %s: %w", d.path, err)
	}
	return d, nil
}

// fill leaves no byte.
func (d smallDisk) fill() error {
	if d.path == "" {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(d.path, "filler"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for block := make([]byte, 1<<16); len(block) > 0; {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			return err
		}
	}
	return nil
}

// remove takes the disk away, with what is on it.
func (d smallDisk) remove() {
	if d.path != "" {
		_ = syscall.Unmount(d.path, syscall.MNT_DETACH)
	}
}
