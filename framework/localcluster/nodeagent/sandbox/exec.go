package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// drainDelay is how long output is still read after a program has ended, in case it
// left children that hold it open.
const drainDelay = time.Second

// Streams are a program's input and output. Nil ones are /dev/null. With TTY the
// program has a terminal of its own, and all output is Stdout.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	TTY            bool
	Resize         <-chan WindowSize
}

// WindowSize is a terminal's, in characters.
type WindowSize struct{ Width, Height uint16 }

// Exec runs another program in the container and returns its exit code; 128+N when
// signal N ended it. The program is killed when ctx ends.
func (c *Container) Exec(ctx context.Context, process Process, streams Streams) (int, error) {
	type result struct {
		code int
		err  error
	}
	ended := make(chan result, 1)
	onFreshThread(func() {
		code, err := c.execHere(ctx, process, streams)
		ended <- result{code, err}
	})
	r := <-ended
	return r.code, r.err
}

func (c *Container) execHere(ctx context.Context, process Process, streams Streams) (int, error) {
	select {
	case <-c.done:
		return 0, errors.New("the container has ended")
	default:
	}
	if err := c.spaces.enter(); err != nil {
		return 0, err
	}
	program, err := lookPath(process.Args[0], process.Env)
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, program) //nolint:gosec // G204: the command of a container, inside it
	cmd.Args, cmd.Env, cmd.Dir = process.Args, process.Env, process.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.WaitDelay = drainDelay
	// It dies with the container's PID 1, which dies with this process.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if process.User != 0 || process.Group != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: process.User, Gid: process.Group, Groups: []uint32{process.Group}}
	}
	attach := attachPipes
	if streams.TTY {
		attach = attachTerminal
	}
	started, detach, err := attach(cmd, streams)
	if err != nil {
		return 0, err
	}
	defer detach()
	err = restrictCapabilities(process)
	if err == nil {
		err = cmd.Start()
	}
	started()
	if err != nil {
		return 0, fmt.Errorf("running %s: %w", program, err)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err == nil, errors.As(err, &exit), errors.Is(err, exec.ErrWaitDelay):
		return exitCode(cmd.ProcessState), nil
	default:
		return 0, fmt.Errorf("running %s: %w", program, err)
	}
}

// attachPipes connects the streams. The input is copied beside the program, because
// os/exec would wait for its end even when the program has ended.
func attachPipes(cmd *exec.Cmd, streams Streams) (started, detach func(), err error) {
	nothing := func() {}
	cmd.Stdout, cmd.Stderr = streams.Stdout, streams.Stderr
	if streams.Stdin == nil {
		return nothing, nothing, nil
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	go func() {
		_, _ = io.Copy(in, streams.Stdin)
		_ = in.Close()
	}()
	return nothing, nothing, nil
}

// attachTerminal gives the program a terminal of the container's own devpts; the
// calling thread is in the container.
func attachTerminal(cmd *exec.Cmd, streams Streams) (started, detach func(), err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("opening a terminal: %w", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("unlocking a terminal: %w", err), unix.Close(fd))
	}
	// The other end has no path that is sure to be its own; this opens it.
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return nil, nil, errors.Join(fmt.Errorf("opening the other end of a terminal: %w", errno), unix.Close(fd))
	}
	master, slave := os.NewFile(uintptr(fd), "ptmx"), os.NewFile(peer, "pts")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr.Setctty = true

	drained := make(chan struct{})
	go func() {
		defer close(drained)
		// Ends with EIO when the last user of the terminal has closed it.
		_, _ = io.Copy(streams.Stdout, master)
	}()
	if streams.Stdin != nil {
		go func() { _, _ = io.Copy(master, streams.Stdin) }()
	}
	go func() {
		for size := range streams.Resize {
			setSize(master, size)
		}
	}()
	// The program alone may hold its end: else the kernel, which hangs up the
	// terminal when the program ends, discards what was not read yet.
	started = func() { _ = slave.Close() }
	return started, func() {
		select {
		case <-drained:
		case <-time.After(drainDelay):
		}
		_ = master.Close()
	}, nil
}

func setSize(terminal *os.File, size WindowSize) {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: size.Width, Row: size.Height})
	})
}
