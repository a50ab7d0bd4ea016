package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// What a container may read of /proc but not write, and what it may not read.
var (
	readOnlyProc = []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"}
	maskedProc   = []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/kallsyms", "/proc/kmsg"}
)

// mountProc mounts the new PID namespace's own /proc.
func mountProc() error {
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	for _, path := range readOnlyProc {
		if err := ifThere(unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, "")); err != nil {
			return fmt.Errorf("binding %s: %w", path, err)
		}
		if err := ifThere(unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")); err != nil {
			return fmt.Errorf("protecting %s: %w", path, err)
		}
	}
	for _, path := range maskedProc {
		if err := ifThere(unix.Mount(oldRoot+"/dev/null", path, "", unix.MS_BIND, "")); err != nil {
			return fmt.Errorf("masking %s: %w", path, err)
		}
	}
	return nil
}

func ifThere(err error) error {
	// EINVAL: a remount of what was not there to be bound.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

// mountDev makes the devices that every container has.
func mountDev() error {
	if err := unix.Mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID|unix.MS_STRICTATIME, "mode=0755,size=65536k"); err != nil {
		return fmt.Errorf("mounting /dev: %w", err)
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		path := filepath.Join("/dev", name)
		if err := os.WriteFile(path, nil, 0o666); err != nil { //nolint:gosec // G306: a place for a device, whose own mode counts
			return err
		}
		if err := unix.Mount(oldRoot+path, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("binding %s: %w", path, err)
		}
	}
	for link, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, filepath.Join("/dev", link)); err != nil {
			return err
		}
	}
	for _, m := range []struct{ dir, kind, options string }{
		{"/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5"},
		{"/dev/shm", "tmpfs", "mode=1777,size=65536k"},
	} {
		if err := os.Mkdir(m.dir, 0o755); err != nil { //nolint:gosec // G301: a mount point, as every Linux has it
			return err
		}
		if err := unix.Mount(m.kind, m.dir, m.kind, unix.MS_NOSUID|unix.MS_NOEXEC, m.options); err != nil {
			return fmt.Errorf("mounting %s: %w", m.dir, err)
		}
	}
	return nil
}

// forgetPasswords locks every account in the container's copy of the host's hashes.
func forgetPasswords() error {
	for _, path := range []string{"/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-"} {
		raw, err := os.ReadFile(path) //nolint:gosec // G304: one of the four names above
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(lockAccounts(string(raw))), 0o640); err != nil { //nolint:gosec // G306, G703: the mode that Debian gives it, in the copy of a container
			return err
		}
	}
	return nil
}

// lockAccounts replaces the second field of every line of shadow(5) by "*".
func lockAccounts(shadow string) string {
	lines := strings.Split(shadow, "\n")
	for i, line := range lines {
		if fields := strings.SplitN(line, ":", 3); len(fields) == 3 {
			lines[i] = fields[0] + ":*:" + fields[2]
		}
	}
	return strings.Join(lines, "\n")
}
