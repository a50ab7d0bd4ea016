package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Files in a mock's folder that are locked, and whose locks end with the process,
// however that ends. Whoever starts the mock locks the first until it ends itself. It
// makes the second afterwards, which is the mock's output: the mock has its lock, too.
const (
	launcherName = "launcher.lock"
	logName      = "mock.log"
)

// openLocked makes a file in a mock's folder and locks it.
func openLocked(dir, name string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600) //nolint:gosec // G304: the mock's own folder
	if err != nil {
		return nil, fmt.Errorf("making a file of the mock's: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", file.Name(), err), file.Close())
	}
	return file, nil
}

// isLocked asks without keeping others from asking at the same time.
func isLocked(path string) (bool, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0) //nolint:gosec // G304: a mock's folder
	if err != nil {
		return false, err
	}
	defer file.Close()
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// fate is what a mock's folder says of the mock and of the process that started it.
type fate string

const (
	unknown  fate = "unknown"  // no mock's, or one's of a version whose launchers lock nothing
	launched fate = "launched" // who started the mock lives
	orphaned fate = "orphaned" // the mock lives, and who started it does not
	ended    fate = "ended"    // nobody lives
)

func fateOf(dir string) fate {
	log := filepath.Join(dir, logName)
	// Before there is a log, the other file may not be locked yet.
	if _, err := os.Lstat(log); err != nil {
		return unknown
	}
	switch launcher, err := isLocked(filepath.Join(dir, launcherName)); {
	case err != nil:
		return unknown
	case launcher:
		return launched
	}
	switch mock, err := isLocked(log); {
	case err != nil:
		return unknown
	case mock:
		return orphaned
	}
	return ended
}

// endMock waits until the mock of a folder, which another process started, has
// ended. SIGTERM changes nothing if it is ending already; what has not ended within
// the budget is killed.
func endMock(ctx context.Context, dir string, budget time.Duration) (killed bool, err error) {
	deadline := time.NewTimer(budget)
	defer deadline.Stop()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	send, told := syscall.SIGTERM, 0
	for {
		pid, err := tellMock(dir, send, told)
		if err != nil {
			return killed, err
		}
		if held, _ := isLocked(filepath.Join(dir, logName)); pid == 0 && !held {
			return killed, nil
		}
		told = pid
		select {
		case <-ticker.C:
		case <-deadline.C:
			if killed {
				return killed, fmt.Errorf("ending the mock: %s is held by a process that does not end; `fuser %[1]s` names it", filepath.Join(dir, logName))
			}
			killed, send, told = true, syscall.SIGKILL, 0
			deadline.Reset(endBudget)
		case <-ctx.Done():
			return killed, fmt.Errorf("waiting for the mock (process %d) to end: %w", pid, context.Cause(ctx))
		}
	}
}

// tellMock sends a signal to the mock of a folder, unless told is its process id, which
// it returns; 0: there is none.
func tellMock(dir string, send syscall.Signal, told int) (pid int, err error) {
	announce := filepath.Join(dir, announceName)
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		if !isMock(path, announce) {
			continue
		}
		if pid, err = strconv.Atoi(filepath.Base(filepath.Dir(path))); err != nil || pid == told {
			return pid, err
		}
		process, err := os.FindProcess(pid)
		// What was found is held from here on: another process may have got its number before.
		if err != nil || !isMock(path, announce) {
			continue
		}
		err = process.Signal(send)
		_ = process.Release()
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			return pid, fmt.Errorf("ending the mock (process %d): %w", pid, err)
		}
		return pid, nil
	}
	return 0, nil
}

// isMock reports whether a process, by the path of its arguments, is `wlif mock` with
// that announcement.
func isMock(cmdline, announce string) bool {
	raw, err := os.ReadFile(cmdline) //nolint:gosec // G304: below /proc
	words := bytes.Split(raw, []byte{0})
	return err == nil && len(words) > 1 && string(words[1]) == "mock" && containsWord(raw, announce)
}
