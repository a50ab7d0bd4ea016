package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A container begins as this program: where that is what this process was started for,
// it becomes the container and does not return. That is done here, and not first in
// main, because a program's packages are initialized in the order of their needs and
// names: what is large, such as the APIs of Kubernetes and of the cloud, comes later,
// and takes longer than all that a container has to do.
func init() {
	switch {
	case os.Getpid() != 1 || len(os.Args) != 1 || (os.Args[0] != initName && os.Args[0] != pauseName):
		return
	case os.Args[0] == pauseName:
		pause()
	}
	// Capabilities belong to a thread, and exec keeps those of its own.
	runtime.LockOSThread()
	status := os.NewFile(statusFD, "status")
	unix.CloseOnExec(statusFD)
	_, _ = fmt.Fprint(status, becomeContainer())
	os.Exit(127)
}

// becomeContainer returns only errors: it ends as another program.
func becomeContainer() error {
	var config initConfig
	from := os.NewFile(configFD, "config")
	err := json.NewDecoder(from).Decode(&config)
	if err := errors.Join(err, from.Close()); err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	if err := unix.Sethostname([]byte(config.Root.Hostname)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := buildRoot(config.Scratch, config.Root); err != nil {
		return err
	}
	p := config.Process
	if p.Dir == "" {
		p.Dir = "/"
	}
	if err := os.Chdir(p.Dir); err != nil {
		return fmt.Errorf("entering the working directory: %w", err)
	}
	if err := restrict(p); err != nil {
		return err
	}
	if len(p.Args) == 0 {
		// Executed like a command, so that it has no more capabilities than one.
		p.Args = []string{pauseName}
		return execute("/proc/self/exe", p)
	}
	program, err := lookPath(p.Args[0], p.Env)
	if err != nil {
		return err
	}
	return execute(program, p)
}

// execute returns only errors. The status pipe closes when it succeeds.
func execute(program string, p Process) error {
	return fmt.Errorf("running %s: %w", program, unix.Exec(program, p.Args, p.Env))
}

// pause is what a container without a command runs: it ends on SIGTERM and reaps
// the orphans that exec leaves, as PID 1 has to.
func pause() {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	for {
		select {
		case <-children:
			for {
				if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 || err != nil {
					break
				}
			}
		case <-end:
			os.Exit(0)
		}
	}
}

// lookPath finds a program as execvp would with that environment.
func lookPath(name string, env []string) (string, error) {
	if strings.ContainsRune(name, '/') {
		return name, nil
	}
	path := ""
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}
