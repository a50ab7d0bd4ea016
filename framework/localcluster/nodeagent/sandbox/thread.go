package sandbox

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// onFreshThread runs f in a goroutine on an OS thread that nothing else uses and
// that ends with it, so that f may change the thread's namespaces and capabilities.
func onFreshThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f() // The lock stays, so the runtime ends the thread.
			return
		}
		// The main thread cannot be ended: hold it until another one has begun.
		begun := make(chan struct{})
		onFreshThread(func() { close(begun); f() })
		<-begun
		runtime.UnlockOSThread()
	}()
}
