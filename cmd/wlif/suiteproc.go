package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// tools are the programs that a run consists of.
type tools struct {
	suite, ginkgo string
}

// findTools looks beside this program, where `make build` puts them.
func findTools() (tools, error) {
	self, err := os.Executable()
	if err != nil {
		return tools{}, fmt.Errorf("finding this program's folder: %w", err)
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return tools{}, fmt.Errorf("finding this program's folder: %w", err)
	}
	t := tools{suite: filepath.Join(filepath.Dir(self), "suites.test"), ginkgo: filepath.Join(filepath.Dir(self), "ginkgo")}
	for _, path := range []string{t.suite, t.ginkgo} {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return tools{}, hinted(fmt.Errorf("the program %s, which a run needs, is not there", path), "`make build` makes it")
		}
	}
	return t, nil
}

// pollProgressAfter makes Ginkgo log what a spec is doing that takes long.
const pollProgressAfter = time.Minute

// suiteTimeout bounds the whole suite, in its own words: beyond what its parts
// are bounded by, so that it never is what ends a run.
func suiteTimeout(t config.Timeouts) time.Duration {
	return t.Provision.D() + t.Teardown.D() + 12*time.Hour
}

// suiteCommand is the suite: by Ginkgo's program, which lets several processes work
// together, or, where there is one, without it.
func suiteCommand(l *launch) []string {
	flags := []string{
		"label-filter=" + l.chosen.filter, "timeout=" + suiteTimeout(l.cfg.Timeouts).String(), "grace-period=30s",
		"randomize-all", "fail-on-empty", "fail-on-pending", "trace", "no-color", "poll-progress-after=" + pollProgressAfter.String(),
	}
	command, prefix := []string{l.tools.suite}, "--ginkgo."
	if l.cfg.Procs > 1 {
		command, prefix = []string{l.tools.ginkgo, "run", fmt.Sprintf("--procs=%d", l.cfg.Procs), "--keep-going"}, "--"
	}
	for _, flag := range flags {
		command = append(command, prefix+flag)
	}
	if l.cfg.Procs > 1 {
		command = append(command, l.tools.suite)
	}
	return command
}

// suiteEnviron is this process's environment without the project's own keys and
// credentials, and with what the suite is to use.
func suiteEnviron(l *launch, environ []string) []string {
	var out []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "WLIF_") && !strings.HasPrefix(name, "YC_") {
			out = append(out, variable)
		}
	}
	out = append(out, l.cfg.Environ()...)
	return append(out, config.EnvRunConfig+"="+l.folder.ConfigFile(), config.EnvCanary+"="+l.canary)
}

// runSuite runs the compiled suite in a process group of its own and returns when
// no process of the group is left.
func (l *launch) runSuite() error {
	words := suiteCommand(l)
	command := exec.Command(words[0], words[1:]...) //nolint:gosec // G204: the suite's own program
	command.Env = suiteEnviron(l, os.Environ())
	command.Dir = string(l.folder)
	log, err := startSuiteLog(l.folder.SuiteLog(), command.Env)
	if err != nil {
		return err
	}
	command.Stdout, command.Stderr = log.in, log.in
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return errors.Join(fmt.Errorf("starting the suite: %w", err), log.close())
	}
	_ = log.in.Close() // the suite has its own
	group := command.Process.Pid
	l.interrupts.passOn(group)
	err = command.Wait()
	l.interrupts.passOn(0)
	endGroup(group)
	return errors.Join(l.suiteEnded(err, command.ProcessState), log.close())
}

// suiteEnded journals how the suite ended. Exit code 1 means that specs failed,
// which their verdicts say.
func (l *launch) suiteEnded(err error, state *os.ProcessState) error {
	exit := journal.Exit{Program: "suite", Code: state.ExitCode()}
	status, _ := state.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		exit.Signal = status.Signal().String()
	}
	_ = l.journal.Write(exit)
	var ended *exec.ExitError
	switch {
	case status.Signaled():
		return fmt.Errorf("the suite was ended by a signal (%s)", exit.Signal)
	case errors.As(err, &ended) && exit.Code != 1:
		return fmt.Errorf("the suite ended with code %d; its words are in %s", exit.Code, l.folder.SuiteLog())
	case err != nil && !errors.As(err, &ended):
		return fmt.Errorf("running the suite: %w", err)
	case err != nil && !l.failureIsExplained():
		return fmt.Errorf("a process of the suite ended without a word; what Ginkgo says of it is in %s", l.folder.SuiteLog())
	}
	return nil
}

// failureIsExplained says whether the journal has any reason for a suite that
// failed.
func (l *launch) failureIsExplained() bool {
	records, err := l.written.All()
	return err == nil && slices.ContainsFunc(records, func(r journal.Record) bool {
		switch e := r.Event.(type) {
		case journal.Problem:
			return true
		case journal.Verdict:
			return e.Verdict == conformance.Fail || e.Verdict == conformance.Error
		}
		return false
	})
}

// endBudget is what processes that outlive Ginkgo get to end by themselves.
const endBudget = 20 * time.Second

// endGroup ends what is left of a process group: processes of the suite whose
// Ginkgo was killed, which would go on without anybody listening.
func endGroup(group int) {
	if syscall.Kill(-group, syscall.SIGINT) != nil {
		return // nobody is left
	}
	deadline := time.NewTimer(endBudget)
	defer deadline.Stop()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for syscall.Kill(-group, 0) == nil {
		select {
		case <-ticker.C:
		case <-deadline.C:
			_ = syscall.Kill(-group, syscall.SIGKILL)
			return
		}
	}
}
