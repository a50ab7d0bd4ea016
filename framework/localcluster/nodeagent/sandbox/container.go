package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Container is a running or ended container.
type Container struct {
	cmd     *exec.Cmd
	spaces  namespaces
	done    chan struct{}
	process Process
}

// Start makes a container and returns when its program runs. scratch is an empty
// folder of the host, used as a mount point. output is closed when
// the container's program and all who inherited its output have ended.
func (p *Pod) Start(scratch string, root Root, process Process, stdout, stderr io.Writer) (*Container, error) {
	if err := Check(); err != nil {
		return nil, err
	}
	configRead, configWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	statusRead, statusWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, configRead.Close(), configWrite.Close())
	}
	c := &Container{done: make(chan struct{}), process: process}
	c.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{initName},
		Env:        []string{}, // not nil: nil would inherit
		Dir:        "/",
		Stdout:     stdout,
		Stderr:     stderr,
		ExtraFiles: []*os.File{configRead, statusWrite},
		// Orphans that keep the output open must not keep the container alive.
		WaitDelay: drainDelay,
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
			Setsid:     true,
			Pdeathsig:  syscall.SIGKILL,
		},
	}
	err = p.do(c.cmd.Start)
	_, _ = configRead.Close(), statusWrite.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting a container: %w", err), configWrite.Close(), statusRead.Close())
	}
	// It waits for its configuration, so its namespaces are there to be opened.
	c.spaces, err = openNamespaces(c.cmd.Process.Pid)
	// Sent beside reading the answer: a container that fails early does not read.
	go func() {
		_ = json.NewEncoder(configWrite).Encode(initConfig{Root: root, Process: process, Scratch: scratch})
		_ = configWrite.Close()
	}()
	refusal, readErr := io.ReadAll(io.LimitReader(statusRead, 4096))
	if err = errors.Join(err, readErr, statusRead.Close()); err == nil && len(refusal) > 0 {
		err = errors.New(string(refusal))
	}
	if err != nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		c.spaces.close()
		return nil, fmt.Errorf("starting a container: %w", err)
	}
	go func() {
		_ = c.cmd.Wait()
		c.spaces.close()
		close(c.done)
	}()
	return c, nil
}

// Done is closed when the container's program, and so every process in it, has ended.
func (c *Container) Done() <-chan struct{} { return c.done }

// ExitCode is the program's once Done is closed; 128+N when signal N ended it.
func (c *Container) ExitCode() int { return exitCode(c.cmd.ProcessState) }

// Terminate sends SIGTERM to the program, Kill ends all processes.
func (c *Container) Terminate() { _ = c.cmd.Process.Signal(syscall.SIGTERM) }

// Kill ends all processes of the container at once.
func (c *Container) Kill() { _ = c.cmd.Process.Kill() }

func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
