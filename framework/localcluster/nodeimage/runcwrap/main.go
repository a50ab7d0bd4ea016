// Command runcwrap stands before runc on hosts whose root lacks CAP_SYS_RESOURCE
// (a container, a small virtual machine). A privileged container asks for every
// capability, and some containers for an OOM score below their parent's; runc
// refuses to start either there. It takes both wishes out of what it hands on and
// becomes runc. Where the capability is at hand it changes nothing.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// runc is Debian's, on the host and in the node image.
const runc = "/usr/sbin/runc"

func main() {
	err := prepare(os.Args[1:])
	if err == nil {
		// It returns only if it fails.
		err = fmt.Errorf("becoming %s: %w", runc, syscall.Exec(runc, append([]string{runc}, os.Args[1:]...), os.Environ())) //nolint:gosec // G204, G702: it becomes runc, whose arguments it was given
	}
	fmt.Fprintln(os.Stderr, "runcwrap:", err)
	os.Exit(1)
}

// prepare edits the file that runc is told to read, if there is one.
func prepare(args []string) error {
	if !lacksSysResource() {
		return nil
	}
	path, err := specFile(args)
	if err != nil || path == "" {
		return err
	}
	return rewrite(path)
}

// lacksSysResource looks at the bounding set, which no child's can exceed.
func lacksSysResource() bool {
	const capBSetRead, capSysResource = 23, 24 // linux/prctl.h, linux/capability.h
	has, _, errno := syscall.Syscall(syscall.SYS_PRCTL, capBSetRead, capSysResource, 0)
	return errno == 0 && has == 0
}

// specFile is the file that a command line makes runc read: the bundle's config.json
// of create and run, the --process file of exec. It is empty for other commands.
func specFile(args []string) (string, error) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "--root", "--log", "--log-format", "--criu", "--rootless": // runc's own flags that take a value
			args = args[min(2, len(args)):]
		default:
			args = args[1:]
		}
	}
	switch {
	case len(args) == 0:
		return "", nil
	case args[0] == "exec":
		return value(args, "--process", "-p"), nil
	case args[0] != "create" && args[0] != "run":
		return "", nil
	}
	bundle := value(args, "--bundle", "-b")
	if bundle == "" {
		dir, err := os.Getwd()
		if err != nil {
			return "", err
		}
		bundle = dir
	}
	return filepath.Join(bundle, "config.json"), nil
}

// value is that of a flag, in either form: --flag value, --flag=value.
func value(args []string, long, short string) string {
	for i, arg := range args {
		name, inline, ok := strings.Cut(arg, "=")
		switch {
		case name != long && name != short:
		case ok:
			return inline
		case i+1 < len(args):
			return args[i+1]
		}
	}
	return ""
}

// rewrite edits a file in place: its mode and owner stay.
func rewrite(path string) error {
	before, err := os.ReadFile(path) //nolint:gosec // G304, G703: the bundle that the runtime names
	if err != nil {
		return err
	}
	after, err := edit(before)
	if err != nil {
		return fmt.Errorf("editing %s: %w", path, err)
	}
	if bytes.Equal(before, after) {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0) //nolint:gosec // G304, G703: the bundle that the runtime names
	if err != nil {
		return err
	}
	_, err = f.Write(after)
	return errors.Join(err, f.Close())
}
