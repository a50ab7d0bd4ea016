package sandbox

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// namespaces are open files, so that a reused process id cannot be mistaken for the
// container's.
type namespaces []namespace

type namespace struct {
	kind int
	file *os.File
}

// openNamespaces opens those that a Container has of its own and its pod's network.
// The mount namespace is the last: entering it changes what paths mean.
func openNamespaces(pid int) (namespaces, error) {
	var opened namespaces
	for _, n := range []struct {
		name string
		kind int
	}{
		{"net", unix.CLONE_NEWNET}, {"uts", unix.CLONE_NEWUTS}, {"ipc", unix.CLONE_NEWIPC},
		{"pid", unix.CLONE_NEWPID}, {"mnt", unix.CLONE_NEWNS},
	} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", pid, n.name))
		if err != nil {
			opened.close()
			return nil, err
		}
		opened = append(opened, namespace{n.kind, f})
	}
	return opened, nil
}

func (all namespaces) close() {
	for _, n := range all {
		_ = n.file.Close()
	}
}

// enter moves the calling thread, which must be a fresh one; of the PID namespace
// its children will be.
func (all namespaces) enter() error {
	// A thread that shares its root and working directory may not change them.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("unsharing the working directory: %w", err)
	}
	for _, n := range all {
		if err := unix.Setns(int(n.file.Fd()), n.kind); err != nil {
			return fmt.Errorf("entering %s: %w", n.file.Name(), errors.Join(err))
		}
	}
	return nil
}
