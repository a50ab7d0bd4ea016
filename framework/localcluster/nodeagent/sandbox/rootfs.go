package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// systemDirs are what a container sees of the host, through overlays. Everything
// else of the root (homes, mounts, data) is not there.
var systemDirs = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var"}

// emptyDirs are made empty, with the permissions that they usually have.
var emptyDirs = map[string]os.FileMode{
	"proc": 0o555, "sys": 0o555, "dev": 0o755, "run": 0o755, "run/lock": os.ModeSticky | 0o777, "root": 0o700, "home": 0o755,
	"mnt": 0o755, "opt": 0o755, "srv": 0o755, "media": 0o755, "boot": 0o755, "tmp": os.ModeSticky | 0o777,
}

// privateDirs of the host's system folders are replaced by empty ones: secrets,
// other programs' data, and what a container starts without.
var privateDirs = []string{
	"/etc/ssh", "/etc/ssl/private", "/etc/kubernetes", "/etc/wireguard", "/etc/sudoers.d",
	"/var/lib/docker", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd", "/var/lib/cloud",
	"/var/lib/postgresql", "/var/lib/mysql", "/var/lib/private",
	"/var/tmp", "/var/log", "/var/mail", "/var/spool", "/var/backups",
}

// oldRoot is where the host is seen until the root is finished.
const oldRoot = "/.host"

// buildRoot makes the calling process's root; it is alone in its mount namespace.
func buildRoot(scratch string, root Root) error {
	// First of all nothing may propagate to the host.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", scratch, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, "mode=0755"); err != nil {
		return fmt.Errorf("mounting a tmpfs on %s: %w", scratch, err)
	}
	if err := os.Chdir(scratch); err != nil {
		return err
	}
	for _, dir := range []string{"root", "upper", "work"} {
		if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // G301: a container's folders are read by its users
			return err
		}
	}
	for _, name := range systemDirs {
		if err := overlay(name); err != nil {
			return fmt.Errorf("laying an overlay over /%s: %w", name, err)
		}
	}
	if err := makeEmptyDirs("root"); err != nil {
		return err
	}
	if err := pivot("root"); err != nil {
		return err
	}
	steps := []func() error{mountProc, mountDev, func() error { return hide(root.Hide) }}
	for _, m := range root.Mounts {
		steps = append(steps, func() error { return bind(m) })
	}
	steps = append(steps, func() error { return writeFiles(root.Files) }, forgetPasswords, leaveHost)
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// overlay shows /name in root/name. Relative paths spare us escaping the options.
func overlay(name string) error {
	info, err := os.Lstat("/" + name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink("/" + name)
		if err != nil {
			return err
		}
		return os.Symlink(target, filepath.Join("root", name))
	case !info.IsDir():
		return nil
	}
	upper, work, merged := filepath.Join("upper", name), filepath.Join("work", name), filepath.Join("root", name)
	for _, dir := range []string{upper, work, merged} {
		if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // G301: a container's folders are read by its users
			return err
		}
	}
	return unix.Mount("overlay", merged, "overlay", unix.MS_NODEV,
		fmt.Sprintf("lowerdir=/%s,upperdir=%s,workdir=%s", name, upper, work))
}

func makeEmptyDirs(root string) error {
	for name, mode := range emptyDirs {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // G301: a container's folders are read by its users
			return err
		}
		if err := os.Chmod(dir, mode); err != nil {
			return err
		}
	}
	return nil
}

// pivot makes dir the root and leaves the former one at oldRoot.
func pivot(dir string) error {
	if err := unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("binding the root: %w", err)
	}
	if err := os.Chdir(dir); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Base(oldRoot), 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", filepath.Base(oldRoot)); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	return os.Chdir("/")
}

// hide lays empty folders over what must not be seen.
func hide(more []string) error {
	for _, dir := range append(append([]string{}, privateDirs...), more...) {
		dir = filepath.Clean(dir)
		if filepath.Dir(dir) == "/" {
			continue // a system folder itself, or not in the container at all
		}
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		mode := fmt.Sprintf("mode=%#o", uint32(info.Mode().Perm()))
		if info.Mode()&os.ModeSticky != 0 {
			mode = "mode=01777"
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, mode); err != nil {
			return fmt.Errorf("hiding %s: %w", dir, err)
		}
	}
	// apt stops where it cannot write its log.
	return os.MkdirAll("/var/log/apt", 0o755) //nolint:gosec // G301: a container's folders are read by its users
}

func bind(m Mount) error {
	fail := func(err error) error { return fmt.Errorf("mounting a volume on %s: %w", m.Target, err) }
	if err := os.MkdirAll(m.Target, 0o755); err != nil { //nolint:gosec // G301: a container's folders are read by its users
		return fail(err)
	}
	if err := unix.Mount(oldRoot+m.Source, m.Target, "", unix.MS_BIND, ""); err != nil {
		return fail(err)
	}
	if !m.ReadOnly {
		return nil
	}
	if err := unix.Mount("", m.Target, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fail(err)
	}
	return nil
}

// writeFiles replaces: a link of the host's (as /etc/resolv.conf may be) is removed
// and not followed.
func writeFiles(files map[string]File) error {
	for path, file := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // G301: a container's folders are read by its users
			return err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.WriteFile(path, file.Content, os.FileMode(file.Mode)); err != nil {
			return err
		}
		if err := os.Chmod(path, os.FileMode(file.Mode)); err != nil {
			return err
		}
	}
	return nil
}

// leaveHost cuts the last way to the host's files.
func leaveHost() error {
	if err := unix.Unmount(oldRoot, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the host's file system: %w", err)
	}
	return os.Remove(oldRoot)
}
