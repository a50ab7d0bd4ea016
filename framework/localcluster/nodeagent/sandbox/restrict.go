package sandbox

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// keptCapabilities are those that container runtimes leave to root, less the one to
// make device nodes: installing a package works, mounting the host's disk does not.
const keptCapabilities = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FSETID |
	1<<unix.CAP_FOWNER | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID |
	1<<unix.CAP_SETFCAP | 1<<unix.CAP_SETPCAP | 1<<unix.CAP_NET_BIND_SERVICE |
	1<<unix.CAP_SYS_CHROOT | 1<<unix.CAP_KILL | 1<<unix.CAP_AUDIT_WRITE

// restrict takes from the calling thread, and so from what it executes, what the
// process is not to have.
func restrict(p Process) error {
	if err := restrictCapabilities(p); err != nil {
		return err
	}
	if p.User != 0 || p.Group != 0 {
		if err := switchUser(p); err != nil {
			return fmt.Errorf("becoming user %d: %w", p.User, err)
		}
	}
	return nil
}

// restrictCapabilities is the part of restrict that a forking thread does.
func restrictCapabilities(p Process) error {
	var kept uint64 = keptCapabilities
	if p.NoCapabilities {
		kept = 0
	}
	for c := 0; ; c++ {
		if kept&(1<<c) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err == unix.EINVAL {
			break // beyond the last capability of this kernel
		} else if err != nil {
			return fmt.Errorf("dropping capability %d: %w", c, err)
		}
	}
	if p.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("setting no_new_privs: %w", err)
		}
	}
	return nil
}

func switchUser(p Process) error {
	if err := syscall.Setgroups([]int{int(p.Group)}); err != nil {
		return err
	}
	if err := syscall.Setgid(int(p.Group)); err != nil {
		return err
	}
	return syscall.Setuid(int(p.User))
}
