package childproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Spec is a program to run.
type Spec struct {
	// Name is what errors and the log file call it.
	Name string
	Path string
	Args []string
	// Env is added to the environment, see Start.
	Env []string
	// Dir is the working directory; Log the file its output is appended to.
	Dir, Log string
}

// Process is a running or ended child.
type Process struct {
	spec     Spec
	cmd      *exec.Cmd
	done     chan struct{}
	err      error
	logFrom  int64
	stopping atomic.Bool
}

// Start runs a program in a process group of its own (a terminal's Ctrl-C is for
// the parent, which ends its children in order), with an environment of PATH and
// HOME and spec.Env only.
func Start(spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", spec.Name, err)
	}
	defer func() { _ = log.Close() }()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", spec.Name, err)
	}
	cmd := exec.Command(spec.Path, spec.Args...) //nolint:gosec // G204: starting programs is what this package is for
	cmd.Dir = spec.Dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + spec.Dir}, spec.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := startTied(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	p := &Process{spec: spec, cmd: cmd, done: make(chan struct{}), logFrom: from}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID is the process's id on the host.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// EndedError is a child that ended though nobody had stopped it.
type EndedError struct {
	Name, State, LogFile string
	// Tail has the last lines of this start's output.
	Tail string
}

// Error names the process, how it ended and the last lines of its log.
func (e *EndedError) Error() string {
	return fmt.Sprintf("%s ended by itself (%s); its log %s ends with:\n%s", e.Name, e.State, e.LogFile, e.Tail)
}

// Failure is an *EndedError when the process ended by itself, else nil.
func (p *Process) Failure() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	if p.stopping.Load() {
		return nil
	}
	return &EndedError{Name: p.spec.Name, State: p.cmd.ProcessState.String(), LogFile: p.spec.Log, Tail: p.Tail(12)}
}

// Output is what the process wrote since this start, at most the last 64 KiB.
func (p *Process) Output() string {
	f, err := os.Open(p.spec.Log)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	from := p.logFrom
	if info, err := f.Stat(); err == nil {
		from = max(from, info.Size()-64<<10)
	}
	raw, err := io.ReadAll(io.NewSectionReader(f, from, 64<<10))
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// Tail is the last n lines of Output.
func (p *Process) Tail(n int) string {
	lines := strings.Split(strings.TrimRight(p.Output(), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Stop sends SIGTERM, after grace SIGKILL, and returns when the process has ended.
// It may be called twice.
func (p *Process) Stop(ctx context.Context, grace time.Duration) error {
	p.stopping.Store(true)
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func (p *Process) signal(sig syscall.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if err == nil || errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return fmt.Errorf("sending %s to %s: %w", sig, filepath.Base(p.spec.Path), err)
}
