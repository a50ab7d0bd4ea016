package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// launcherWord lets the test binary be a launcher: it starts a mock and waits until its
// input ends, or until it is killed.
const launcherWord = "test-launcher"

// bystanderWord lets it wait and do nothing else.
const bystanderWord = "test-bystander"

// testLauncher's arguments are the run's id and the words keep and ledger, if they are to hold.
func testLauncher(ctx context.Context, id, words string) error {
	cfg, err := config.Load(nil, os.Environ())
	if err != nil {
		return err
	}
	cfg.K8sVersion, cfg.Keep, cfg.RunTTL = "", strings.Contains(words, "keep"), config.Duration(time.Hour)
	l := &launch{cfg: cfg, id: id, started: time.Now()}
	if l.state, err = provision.StateDir(); err != nil {
		return err
	}
	l.mock, err = startMock(ctx, mockOptions{cfg: cfg, runID: id, audit: filepath.Join(cfg.Out, "audit"), say: func(string) {}})
	if err != nil {
		return err
	}
	if err := l.mock.apply(cfg); err != nil {
		return err
	}
	if strings.Contains(words, "ledger") {
		if err := l.makeLedger(); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintln(os.Stdout, "up")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startedRun is a launcher with a mock, in a process of its own.
type startedRun struct {
	id, dir string
	command *exec.Cmd
}

func startRun(t *testing.T, words string) startedRun {
	t.Helper()
	r := startedRun{id: provision.NewRunID()}
	r.dir = mockDir(r.id)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.command = exec.CommandContext(t.Context(), self, launcherWord, r.id, words)
	r.command.Stderr = os.Stderr
	hold, err := r.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = hold.Close()
		_ = r.command.Wait() // it was killed
		r.tell(t, syscall.SIGKILL)
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "up\n" {
		t.Fatalf("the launcher said %q, %v", line, err)
	}
	return r
}

// tell sends a signal to the mock, if it lives.
func (r startedRun) tell(t *testing.T, sig syscall.Signal) (pid int) {
	t.Helper()
	pid, err := tellMock(r.dir, sig, 0)
	if err != nil {
		t.Error(err)
	}
	return pid
}

// kill kills the launcher while the mock cannot end.
func (r startedRun) kill(t *testing.T) {
	t.Helper()
	if r.tell(t, syscall.SIGSTOP) == 0 {
		t.Fatal("there is no mock")
	}
	if err := r.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.command.Wait() // it was killed
}

// sweep is one `wlif sweep`; at its first line it lets the mock end, unless that is
// let be.
func (r startedRun) sweep(t *testing.T, f sweepFlags, resume bool) (said string, err error) {
	t.Helper()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- runSweep(t.Context(), f, nil, in)
		_ = in.Close()
	}()
	lines := bufio.NewReader(out)
	first, _ := lines.ReadString('\n')
	if resume {
		if _, err := os.Stat(r.dir); err != nil {
			t.Errorf("the mock's folder, while it lives: %v", err)
		}
		r.tell(t, syscall.SIGCONT)
	}
	rest, readErr := io.ReadAll(lines)
	return first + string(rest), errors.Join(<-ended, readErr)
}

// nothingLeft looks for the mock, its folder and its ledger.
func (r startedRun) nothingLeft(t *testing.T) {
	t.Helper()
	if pid := r.tell(t, 0); pid != 0 {
		t.Errorf("the mock lives: process %d", pid)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	state, err := provision.StateDir()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(state, "*")); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	if said, err := r.sweep(t, sweepFlags{}, false); err != nil || said != "Nothing of ours is left.\n" {
		t.Errorf("a second sweep: %q, %v", said, err)
	}
}

// ownMachine has no runs, and no Docker.
func ownMachine(t *testing.T) {
	t.Helper()
	for _, name := range []string{"TMPDIR", "XDG_STATE_HOME", "WLIF_OUT", "PATH"} {
		t.Setenv(name, t.TempDir())
	}
}

// Every mock here was told to end and has not ended yet when its run is swept.
func TestSweepWaitsForTheMockOfAKilledRun(t *testing.T) {
	const waits = "run ID: waiting for its mock, which is ending\n"
	for name, tc := range map[string]struct {
		words      string
		named, dry bool
		says       string
	}{
		"before its ledger":        {words: "", says: waits + "run ID: removed DIR, which no process held\n"},
		"before its ledger, named": {words: "", named: true, says: waits + "run ID: removed DIR, which no process held\n"},
		"before its ledger, dry":   {words: "", dry: true, says: "run ID: would wait for its mock, which is ending, and remove DIR\n"},
		"kept before its ledger":   {words: "keep", says: waits + "run ID: removed DIR, which no process held\n"},
		"with a ledger":            {words: "ledger", says: waits + "run ID: its mock has ended, and everything in it with it\n"},
		"with a ledger, named":     {words: "ledger", named: true, says: waits + "run ID: its mock has ended, and everything in it with it\n"},
		"with a ledger, dry":       {words: "ledger", dry: true, says: "run ID: would wait for its mock, which is ending, and remove what it has on this machine\n"},
	} {
		t.Run(name, func(t *testing.T) {
			ownMachine(t)
			r := startRun(t, tc.words)
			r.kill(t)
			f := sweepFlags{dryRun: tc.dry}
			if tc.named {
				f.run = r.id
			}
			want := strings.NewReplacer("ID", r.id, "DIR", r.dir).Replace(tc.says)
			if said, err := r.sweep(t, f, !tc.dry); err != nil || said != want {
				t.Errorf("said %q, %v; want %q", said, err, want)
			}
			if tc.dry {
				if r.tell(t, syscall.SIGCONT) == 0 {
					t.Error("the mock is gone")
				}
				f.dryRun = false
				if _, err := r.sweep(t, f, false); err != nil {
					t.Error(err)
				}
			}
			r.nothingLeft(t)
		})
	}
}

// What lives, or was to live on, stays.
func TestSweepLeavesLivingMocksAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		words      string
		dead       bool
		says, asks string
	}{
		"a run without a ledger": {words: "", says: "Nothing of ours is left.\n", asks: "no ledger of a run ID with a mock"},
		"a run with a ledger":    {words: "ledger", says: "run ID: left alone: it is alive\n", asks: "the run ID is alive"},
		"a run that will keep":   {words: "ledger keep", says: "run ID: left alone: it is alive\n", asks: "the run ID is alive"},
		"a kept mock":            {words: "ledger keep", dead: true, says: "run ID: left alone: expires at "},
	} {
		t.Run(name, func(t *testing.T) {
			ownMachine(t)
			r := startRun(t, tc.words)
			if tc.dead {
				r.kill(t)
				r.tell(t, syscall.SIGCONT)
			}
			fill := strings.NewReplacer("ID", r.id)
			if said, err := r.sweep(t, sweepFlags{}, false); err != nil || !strings.HasPrefix(said, fill.Replace(tc.says)) {
				t.Errorf("said %q, %v", said, err)
			}
			if tc.asks != "" {
				if _, err := r.sweep(t, sweepFlags{run: r.id}, false); err == nil || !strings.Contains(err.Error(), fill.Replace(tc.asks)) {
					t.Errorf("named: %v", err)
				}
			}
			if r.tell(t, 0) == 0 {
				t.Fatal("the mock is gone")
			}
			if tc.dead {
				r.sweepNamed(t)
				r.nothingLeft(t)
			}
		})
	}
}

// sweepNamed sweeps the run in a process of its own, which trusts the mock.
func (r startedRun) sweepNamed(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), self, "sweep", "--run", r.id).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// Older versions say neither who started a mock nor whether it was kept.
func TestMocksOfOlderVersionsAreNotWaitedFor(t *testing.T) {
	ownMachine(t)
	r := startRun(t, "ledger")
	r.kill(t)
	state, err := provision.StateDir()
	if err != nil {
		t.Fatal(err)
	}
	ledgers, err := provision.Ledgers(state)
	if err != nil || len(ledgers) != 1 {
		t.Fatalf("%v, %v", ledgers, err)
	}
	if !mockEnding(ledgers[0].Header) {
		t.Error("the mock is ending")
	}
	delete(ledgers[0].Header.Local, localKept)
	var out bytes.Buffer
	if err := sweepMocks(t.Context(), sweepFlags{}, ledgers, &out); err != nil || !strings.Contains(out.String(), "left alone: expires at ") {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := os.Remove(filepath.Join(r.dir, launcherName)); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := sweepMocks(t.Context(), sweepFlags{}, nil, &out); err != nil || out.String() != "Nothing of ours is left.\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// A mock that does not end is killed, and nothing else that has its file's name
// among its arguments.
func TestMockThatDoesNotEndIsKilled(t *testing.T) {
	ownMachine(t)
	r := startRun(t, "")
	r.kill(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reader := exec.CommandContext(t.Context(), self, bystanderWord, "mock", filepath.Join(r.dir, announceName))
	hold, err := reader.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	killed, err := endMock(t.Context(), r.dir, time.Nanosecond)
	if err != nil || !killed {
		t.Errorf("killed: %v, %v", killed, err)
	}
	if got := fateOf(r.dir); got != ended {
		t.Errorf("its fate is %s", got)
	}
	if err := errors.Join(hold.Close(), reader.Wait()); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

func TestWaitingForAMockCanBeInterrupted(t *testing.T) {
	ownMachine(t)
	r := startRun(t, "")
	r.kill(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if killed, err := endMock(ctx, r.dir, time.Hour); killed || !errors.Is(err, context.Canceled) {
		t.Errorf("killed: %v, %v", killed, err)
	}
	if r.tell(t, 0) == 0 {
		t.Error("the mock is gone")
	}
}

// TestProcessesThatWereKilledAreNotAlive: what holds the ledger when it is looked at may
// give it back a moment later.
func TestProcessesThatWereKilledAreNotAlive(t *testing.T) {
	state := t.TempDir()
	ledger, err := provision.CreateLedger(state, provision.Header{RunID: provision.NewRunID(), Started: time.Now(),
		Local: map[string]string{localMockDir: filepath.Join(state, "gone")}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := provision.Ledgers(state)
	if err != nil || len(found) != 1 || !found[0].Alive {
		t.Fatalf("found %+v: %v", found, err)
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if !runAlive(interrupted, found[0]) {
		t.Error("a run whose ledger is held is not alive")
	}
	if err := ledger.Close(); err != nil {
		t.Fatal(err)
	}
	if runAlive(t.Context(), found[0]) {
		t.Error("a run whose ledger was given back is alive")
	}
}
