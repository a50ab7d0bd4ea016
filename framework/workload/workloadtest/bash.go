// Package workloadtest runs what suites type in a pod on this machine instead, for
// tests of how its output is judged.
package workloadtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/workload"
)

// Bash runs a script with a curl of the test's (a shell script) in front of the real
// one.
func Bash(t *testing.T, curl, script string) workload.Result {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "curl"), []byte("#!/bin/sh\n"+curl+"\n"), 0o700); err != nil { //nolint:gosec // G306: a program for its owner to run
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "bash", "-c", script) //nolint:gosec // G204: the tutorial's commands, for a test
	command.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	var out, errout strings.Builder
	command.Stdout, command.Stderr = &out, &errout
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return workload.Result{Stdout: out.String(), Stderr: errout.String(), Status: command.ProcessState.ExitCode()}
}
