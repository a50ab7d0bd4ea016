package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/killmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// outageTimeouts are waited out by every check of a run during an outage, side by
// side.
var outageTimeouts = []string{"--procs=6", "--timeout-propagation=1s", "--timeout-exchange=1s", "--timeout-call=10s"}

// outagesBeside runs the outages while others compute: they wait more than they work.
// They concern a whole mock and what this process trusts, so that a process of their
// own has both.
func (k *killer) outagesBeside(ctx context.Context) error {
	command := exec.CommandContext(ctx, k.self, "bugs", "--outages", "--out="+filepath.Join(k.out, "outages")) //nolint:gosec // G204: this program itself
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Env = k.environ
	said, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting the outages: %w", err)
	}
	last, lines := "", bufio.NewScanner(said)
	lines.Buffer(nil, 1<<20) // a failure's text may be long
	for lines.Scan() {
		last = lines.Text()
		k.console.say("%s", last)
	}
	if err := command.Wait(); err != nil {
		return fmt.Errorf("the outages ended with %w: %s", err, last)
	}
	return nil
}

// runOutages runs the suite during each outage, one after the other: they concern
// the whole mock.
func (k *killer) runOutages(ctx context.Context) error {
	taken := 0
	for _, o := range killmatrix.Outages() {
		began := time.Now()
		faults, err := k.runOutage(ctx, o)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			faults = append(faults, err.Error())
		}
		word := "no answer"
		if len(faults) > 0 {
			word = "TAKEN FOR ONE"
			taken++
		}
		k.console.say("%-16s %-44s %6s  %s", word, o.Name, time.Since(began).Round(100*time.Millisecond), o.Doc)
		for _, fault := range faults {
			k.console.say("                 %s", fault)
		}
	}
	if taken > 0 {
		return &exitError{code: report.ExitFailed, err: fmt.Errorf("%d outages were taken for answers", taken)}
	}
	return nil
}

func (k *killer) runOutage(ctx context.Context, o killmatrix.Outage) (faults []string, err error) {
	folder, err := k.mock.addFolder(ctx, strings.ToLower(o.Name))
	if err != nil {
		return nil, err
	}
	if o.Faults != "" {
		if err := k.mock.setFaults(ctx, o.Faults); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, k.mock.setFaults(context.WithoutCancel(ctx), "[]")) }()
	}
	args := slices.Concat(k.arguments(folder, o.Plan()), outageTimeouts, onExisting(k.cluster))
	if o.Gone {
		args = append(args, "--token-endpoint=https://127.0.0.1:1/oauth/token") // nobody listens there
	}
	made, err := k.launch(ctx, o.Name, args)
	if err != nil {
		return nil, err
	}
	if faults = o.Judge(made.report); len(faults) > 0 {
		err = made.writeReports()
	}
	return faults, err
}
