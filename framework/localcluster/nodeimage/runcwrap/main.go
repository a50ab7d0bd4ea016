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
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "runcwrap:", err)
		os.Exit(1)
	}
}

func run() error {
	if lacksSysResource() {
		path, err := specFile(os.Args[1:])
		if err != nil {
			return err
		}
		if path != "" {
			if err := rewrite(path); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("becoming %s: %w", runc, syscall.Exec(runc, append([]string{runc}, os.Args[1:]...), os.Environ()))
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
	var command, bundle, process string
	for i, arg := range args {
		name, value, inline := strings.Cut(arg, "=")
		if !inline && i+1 < len(args) {
			value = args[i+1]
		}
		switch name {
		case "create", "run", "exec":
			// Only the first is the command; a container may have such a name.
			if command == "" {
				command = arg
			}
		case "--bundle", "-b":
			bundle = value
		case "--process", "-p":
			process = value
		}
	}
	switch {
	case command == "exec":
		return process, nil
	case command == "":
		return "", nil
	case bundle == "":
		dir, err := os.Getwd()
		if err != nil {
			return "", err
		}
		bundle = dir
	}
	return filepath.Join(bundle, "config.json"), nil
}

// rewrite edits a file in place: its mode and owner stay.
func rewrite(path string) error {
	before, err := os.ReadFile(path)
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
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(after)
	return errors.Join(err, f.Close())
}
