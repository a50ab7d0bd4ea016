package childproc

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// Linux sends the parent-death signal when the *thread* that forked ends, and Go
// ends threads as it likes. So one thread, that never ends, forks all children.
var forker = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// startTied starts cmd so that it is killed when this process ends.
func startTied(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	result := make(chan error)
	forker() <- func() { result <- cmd.Start() }
	return <-result
}
