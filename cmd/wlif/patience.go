package main

import (
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// patience is by how much timers may be late where many programs share few processors.
// A Go program that works now and then wakes up thousands of times a second to see whether
// it still does; where the machine is a virtual one that was up to a third of all its work.
const patience = 10 * time.Millisecond

// startPatiently starts a program that has patience, and so has every program that it
// starts (PR_SET_TIMERSLACK: a thread hands it on to those that it makes).
func startPatiently(command *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Where that is refused the program only costs more.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(patience), 0, 0, 0)
	defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) }() // as it was
	return command.Start()
}
