package run

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix" // pidfd: the end of a process that is not our child
)

// EndWith interrupts this process, as Ctrl-C does, when the launcher ends before
// it: a launcher that was killed passes on no signal, and its suite would go on
// creating and testing for nobody. Ginkgo usually ends with the launcher too (its
// output's reader is gone), and takes the suite along before it could tear down:
// what was created is in the ledger, and `wlif sweep` deletes it.
func EndWith(launcher int) (stop func(), err error) {
	interrupt := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGINT) }
	fd, err := unix.PidfdOpen(launcher, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil, fmt.Errorf("the launcher (process %d) has ended", launcher)
	}
	if err != nil {
		return nil, fmt.Errorf("watching the launcher (process %d): %w", launcher, err)
	}
	var wake [2]int
	if err := unix.Pipe2(wake[:], unix.O_CLOEXEC); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("watching the launcher (process %d): %w", launcher, err)
	}
	go func() {
		defer unix.Close(fd)
		defer unix.Close(wake[0])
		// A pidfd can be read from once its process has ended (pidfd_open(2)).
		watched := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(wake[0]), Events: unix.POLLIN}} //nolint:gosec // G115: a file descriptor is small
		for {
			_, err := unix.Poll(watched, -1)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err == nil && watched[1].Revents == 0 {
				interrupt()
			}
			return
		}
	}()
	return func() { _ = unix.Close(wake[1]) }, nil
}
