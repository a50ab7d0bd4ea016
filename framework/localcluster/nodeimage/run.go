package nodeimage

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/buildcache"
)

// aptGet runs apt-get. One that is called off gets the time to end what it installs.
func aptGet(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...) //nolint:gosec // G204: apt-get, with arguments of our own
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	return run(ctx, cmd)
}

// bootstrap runs mmdebstrap with its temporary files in dir. As root it mounts the
// kernel's file systems there, so it gets namespaces of its own: what it mounted and
// started ends with it, and it ends with this process, whatever ends that.
func bootstrap(ctx context.Context, dir string, args ...string) error {
	line := append([]string{"mmdebstrap"}, args...)
	if os.Getuid() == 0 {
		line = append([]string{"unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--"}, line...)
	}
	cmd := exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // G204: commands of this package
	cmd.Env = []string{"TMPDIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// The signal comes when the thread ends that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return run(ctx, cmd)
}

// run runs one of Debian's tools. What it printed is in the error.
func run(ctx context.Context, cmd *exec.Cmd) error {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = append(append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"), cmd.Env...)
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", cmd.Args[0], context.Cause(ctx))
		}
		return fmt.Errorf("%s: %w: %s", cmd.Args[0], err, buildcache.LastLines(output.String(), 8))
	}
	return nil
}
