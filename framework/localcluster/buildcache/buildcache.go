package buildcache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Dir is the user's cache folder of that name: $XDG_CACHE_HOME/wlif/NAME, by
// default ~/.cache/wlif/NAME. It need not exist.
func Dir(name string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a folder for what is built: %w (set XDG_CACHE_HOME)", err)
	}
	return filepath.Join(dir, "wlif", name), nil
}

// Lock takes an advisory lock that the kernel drops when the process ends. It calls
// waiting once if another process or goroutine holds it.
func Lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: a lock in the cache folder
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for said := false; ; said = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, unix.EWOULDBLOCK):
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
		case !said:
			waiting()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for %s: %w", path, context.Cause(ctx)), f.Close())
		}
	}
}

// TryLock is Lock for who does not wait: ok is false while another holds the lock.
func TryLock(path string) (unlock func(), ok bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: a file of the cache
	if err != nil {
		return nil, false, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		return func() { _ = f.Close() }, true, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, false, f.Close()
	default:
		return nil, false, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
	}
}

// generated are packages of which there is much and in which nothing waits for the
// processor: the generated half of client-go, and clients and messages of APIs.
var generated = []string{"k8s.io/client-go/applyconfigurations/...", "k8s.io/client-go/informers/...", "k8s.io/client-go/kubernetes/typed/...",
	"k8s.io/client-go/listers/...", "github.com/aws/aws-sdk-go-v2/service/s3/...", "github.com/yandex-cloud/go-genproto/..."}

// shared are flags that the project's Makefile has too, so that nothing is compiled twice:
// without the machine's paths, without what only a debugger reads, and what is generated
// without optimization.
func shared() string {
	flags := []string{"-trimpath", "-gcflags=all=" + plain}
	for _, flag := range Unhurried(generated...) {
		flags = append(flags, "'"+flag+"'")
	}
	return strings.Join(flags, " ")
}

// plain is for the compiler: nothing for debuggers.
const plain = "-dwarf=false"

// Unhurried are flags of `go build` that compile what the patterns match without
// optimization, in half the time: for code in which nothing waits for the processor.
func Unhurried(patterns ...string) []string {
	flags := make([]string, len(patterns))
	for i, pattern := range patterns {
		flags[i] = "-gcflags=" + pattern + "=" + plain + " -N -l"
	}
	return flags
}

// Go runs go in dir without the user's own flags and workspace, for this machine
// and without C, and returns what it printed.
func Go(ctx context.Context, dir string, args ...string) ([]byte, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, errors.New("they can be built only with the Go toolchain, and there is no go in PATH: install Go, or allow downloads from the internet")
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // G204: the go command, with arguments of our own
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS="+shared(), "GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH,
		// Its temporary files go when dir goes, also if it is killed.
		"GOTMPDIR="+dir)
	cmd.Env = append(cmd.Env, compilerMemory()...)
	// A build that is called off takes its compilers with it. It does not outlive
	// this process; the signal comes when the thread ends that started it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("go %s: %w", args[0], context.Cause(ctx))
		}
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, LastLines(stdout.String()+stderr.String(), 8))
	}
	return stdout.Bytes(), nil
}

// compilerMemory lets compilers and linkers trade memory for time: with the usual
// settings a third of what they compute is garbage collection. Each may take its part
// of half the machine's memory, and as many run at once as there are processors.
func compilerMemory() []string {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return nil // as fast as usual
	}
	limit := info.Totalram * uint64(info.Unit) / 2 / uint64(runtime.NumCPU()) //nolint:gosec // G115: it is positive
	return []string{"GOGC=800", fmt.Sprintf("GOMEMLIMIT=%dMiB", min(limit, 4<<30)>>20)}
}

// LastLines keeps the end of a text, where compilers put what matters.
func LastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
