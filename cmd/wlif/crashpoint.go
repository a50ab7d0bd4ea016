package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/crashmatrix"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/hold"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// crashBudget bounds a point: a run with a cluster of its own takes seconds, and
// what survives has the run's own budgets for its teardown.
const crashBudget = 5 * time.Minute

// crash goes to one point. elsewhere lets the sweep run without the run's ledger.
func (c *crasher) crash(ctx context.Context, p crashmatrix.Point, elsewhere bool) (seen crashmatrix.Seen) {
	ctx, cancel := context.WithTimeoutCause(ctx, crashBudget, fmt.Errorf("it took longer than %s", crashBudget))
	defer cancel()
	fail := func(err error) crashmatrix.Seen {
		if ctx.Err() != nil {
			err = errors.Join(err, context.Cause(ctx))
		}
		seen.Err = err
		return seen
	}
	name := fmt.Sprintf("n%03d-%s-%s", p.N, p.Moment(), strings.ReplaceAll(string(p.Victim), " ", "-"))
	v := &crashed{c: c, point: p, out: filepath.Join(c.out, name), state: filepath.Join(c.state, name)}
	var err error
	if v.folder, err = c.folder(ctx, strings.ToLower(name), p.OfCluster()); err != nil {
		return fail(err)
	}
	if err := v.start(ctx, nil); err != nil {
		return fail(err)
	}
	defer v.end(context.WithoutCancel(ctx))
	if err := v.await(ctx); err != nil {
		return fail(err)
	}
	if seen.Held, err = v.inventory(ctx); err != nil {
		return fail(err)
	}
	if seen.Finished, err = verdicts(v.runFolder); err != nil {
		return fail(err)
	}
	if seen.Code, err = v.kill(ctx); err != nil {
		return fail(err)
	}
	if seen.Before, err = v.inventory(ctx); err != nil {
		return fail(err)
	}
	if seen.Report, err = v.report(); err != nil {
		return fail(err)
	}
	if seen.Sweep, err = v.sweep(ctx, elsewhere); err != nil {
		return fail(err)
	}
	if seen.After, err = v.inventory(ctx); err != nil {
		return fail(err)
	}
	return seen
}

// crashed is a run that is killed.
type crashed struct {
	c     *crasher
	point crashmatrix.Point
	// folder in the cloud; out holds the run's folder, state its ledger.
	folder, out, state string
	// runFolder and runID are known once the run has one.
	runFolder, runID string

	command *exec.Cmd
	ended   chan struct{}
}

// start chooses the point, if there is one, and starts the run in a session of its
// own, by which all its processes are found, whatever groups they make.
func (v *crashed) start(ctx context.Context, args []string) error {
	if v.point.Method != "" {
		chosen := hold.Point{Folder: v.folder, Method: v.point.Method, Call: v.point.Call, After: v.point.After}
		if err := v.c.mock.admin(ctx, http.MethodPost, "/holds", chosen, nil); err != nil {
			return fmt.Errorf("choosing the point in the mock: %w", err)
		}
	}
	args = slices.Concat(v.c.runArguments(v.folder), []string{"--out=" + filepath.Join(v.out, reportsOf)}, args)
	command, log, err := v.tool(context.WithoutCancel(ctx), "run.log", v.state, args)
	if err != nil {
		return err
	}
	defer log.Close()
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting the run: %w", err)
	}
	v.command, v.ended = command, make(chan struct{})
	go func() {
		_ = command.Wait() // the state says it all
		close(v.ended)
	}()
	return nil
}

// tool is this program with other arguments, and the file it talks to.
func (v *crashed) tool(ctx context.Context, log, state string, args []string) (*exec.Cmd, *os.File, error) {
	if err := os.MkdirAll(v.out, 0o700); err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(filepath.Join(v.out, log), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // G304: the command's own folder
	if err != nil {
		return nil, nil, err
	}
	command := exec.CommandContext(ctx, v.c.self, args...) //nolint:gosec // G204: this program itself
	command.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "WLIF_") || strings.HasPrefix(variable, "YC_")
	}), append(v.c.cfg.Environ(), "XDG_STATE_HOME="+state)...)
	command.Stdout, command.Stderr = file, file
	return command, file, nil
}

// await returns when the call waits, and finds the run's folder.
func (v *crashed) await(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reached := make(chan error, 1)
	go func() {
		reached <- v.c.mock.admin(ctx, http.MethodGet, "/holds?folder="+url.QueryEscape(v.folder), nil, nil)
	}()
	select {
	case err := <-reached:
		if err != nil {
			return fmt.Errorf("waiting for the call: %w", err)
		}
	case <-v.ended:
		return fmt.Errorf("%w (exit code %d, its words are in %s)", crashmatrix.ErrNotReached, v.command.ProcessState.ExitCode(), v.out)
	}
	return v.find()
}

// reportsOf is the folder of the run's folder, so that it can be a disk of its own.
const reportsOf = "reports"

// find finds the run's folder.
func (v *crashed) find() error {
	found, err := filepath.Glob(filepath.Join(v.out, reportsOf, "*Z-*"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("the run has %d folders in %s, not one", len(found), v.out)
	}
	v.runFolder = found[0]
	_, v.runID, _ = strings.Cut(filepath.Base(v.runFolder), "-")
	return nil
}

// kill kills the victim and returns when nobody is left, with the launcher's exit
// code (-1 if it was killed).
func (v *crashed) kill(ctx context.Context) (code int, err error) {
	session := v.command.Process.Pid
	switch v.point.Victim {
	case crashmatrix.Launcher:
		err = v.command.Process.Kill()
	case crashmatrix.Process:
		err = killFirstProcess(session)
	case crashmatrix.Group:
		err = killSession(session)
	}
	if err != nil {
		return 0, err
	}
	if v.point.Victim != crashmatrix.Group {
		// The survivors get their answer; the call of a dead caller is over anyway.
		v.release(ctx)
	}
	for len(sessionOf(session)) > 0 {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return 0, errors.New("the run's other processes did not end")
		}
	}
	<-v.ended
	return v.command.ProcessState.ExitCode(), nil
}

func (v *crashed) release(ctx context.Context) {
	_ = v.c.mock.admin(ctx, http.MethodDelete, "/holds?folder="+url.QueryEscape(v.folder), nil, nil) // nobody may be waiting
}

// inventory counts what the mock has in the folder.
func (v *crashed) inventory(ctx context.Context) (int, error) {
	var listed struct{ Resources, Bindings []struct{} }
	if err := v.c.mock.admin(ctx, http.MethodGet, "/inventory?folder="+url.QueryEscape(v.folder), nil, &listed); err != nil {
		return 0, fmt.Errorf("asking the mock for its inventory: %w", err)
	}
	return len(listed.Resources) + len(listed.Bindings), nil
}

// verdicts are those that a run's journal has of checks that were to be made.
func verdicts(folder string) ([]journal.Verdict, error) {
	records, _, err := journal.Read(folder)
	if err != nil {
		return nil, err
	}
	var out []journal.Verdict
	for _, r := range records {
		if verdict, ok := r.Event.(journal.Verdict); ok && !verdict.ByChoice {
			out = append(out, verdict)
		}
	}
	return out, nil
}

// report is the launcher's, where it lived, else what is made of the journal later.
func (v *crashed) report() (report.Report, error) {
	if v.point.Victim == crashmatrix.Process {
		return report.Read(filepath.Join(v.runFolder, report.JSONFile))
	}
	records, torn, err := journal.Read(v.runFolder)
	return report.Build(records, torn), err
}

// sweep runs `wlif sweep` for the run, and returns its exit code.
func (v *crashed) sweep(ctx context.Context, elsewhere bool) (int, error) {
	state, args := v.state, []string{"sweep", "--run=" + v.runID}
	if elsewhere {
		// Another machine cannot know that the run is dead before it expires.
		state, args = state+"-elsewhere", append(args, "--force")
	}
	command, log, err := v.tool(ctx, "sweep.log", state, append(args, v.c.cloudArguments(v.folder)...))
	if err != nil {
		return 0, err
	}
	defer log.Close()
	if err := command.Run(); err != nil && command.ProcessState == nil {
		return 0, fmt.Errorf("starting the sweep: %w", err)
	}
	return command.ProcessState.ExitCode(), ctx.Err()
}

// end kills what is left of the run, and removes what a stand-in's cluster keeps of
// it: on paper it went with its cluster.
func (v *crashed) end(ctx context.Context) {
	v.release(ctx)
	if v.command == nil {
		return
	}
	_ = killSession(v.command.Process.Pid)
	<-v.ended
	if v.runID == "" || v.point.OfCluster() {
		return
	}
	if err := v.c.clearNamespaces(ctx, v.runID); err != nil {
		v.c.console.say("the shared cluster keeps namespaces of run %s: %v", v.runID, err)
	}
}

// clearNamespaces deletes a run's namespaces in the shared cluster.
func (c *crasher) clearNamespaces(ctx context.Context, runID string) error {
	api, err := cluster.Open(provision.KubeAccess{Endpoint: c.cluster.Endpoint, CA: []byte(c.cluster.CA), Token: func(ctx context.Context) (config.Secret, error) {
		client, err := connect(ctx, c.cfg, runID)
		if err != nil {
			return config.Secret{}, err
		}
		defer func() { _ = client.Close(ctx) }() // nothing depends on it any more
		token, err := client.IAMToken(ctx)
		return token.Value, err
	}})
	if err != nil {
		return err
	}
	names, err := api.Namespaces(ctx, provision.LabelRun, runID)
	for _, name := range names {
		err = errors.Join(err, api.DeleteNamespace(ctx, name))
	}
	return err
}
