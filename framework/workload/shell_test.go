package workload

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func openShell(t *testing.T) *Shell {
	t.Helper()
	_, c := startFake(t)
	shell, err := OpenShell(t.Context(), c, "ns", "p", "nginx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shell.Close() })
	return shell
}

func TestOneShellKeepsItsVariables(t *testing.T) {
	shell := openShell(t)
	for _, tc := range []struct {
		name, command string
		want          Result
	}{
		{"sets", "A=\"one\" && \\\nB=two\n", Result{}},
		{"uses", "printf '%s %s' \"$A\" \"$B\"; printf warn >&2", Result{Stdout: "one two", Stderr: "warn"}},
		{"fails", "(exit 7)", Result{Status: 7}},
		{"keeps line ends", "echo a; echo b", Result{Stdout: "a\nb\n"}},
		{"reads its input", "read -t 0.05 line; echo \"got:$line\"", Result{Stdout: "got:\n"}},
		{"pipes", "echo '{\"a\":1}' | tr a b", Result{Stdout: "{\"b\":1}\n"}},
		{"still there", "printf '%s' \"$A\"", Result{Stdout: "one"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := shell.Run(t.Context(), tc.command)
			if err != nil || got != tc.want {
				t.Errorf("Run = %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}

// apt-get and dpkg read their standard input when they feel like it.
func TestAProgramThatReadsCannotEatTheNextCommand(t *testing.T) {
	shell := openShell(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := shell.Run(ctx, "timeout 0.2 cat >/dev/null"); err != nil {
		t.Fatal(err)
	}
	if got, err := shell.Run(ctx, "echo next"); err != nil || got.Stdout != "next\n" {
		t.Errorf("Run = %+v, %v", got, err)
	}
}

func TestACommandThatDoesNotEnd(t *testing.T) {
	shell := openShell(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := shell.Run(ctx, "while :; do :; done")
	var session *SessionError
	if !errors.As(err, &session) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v", err)
	}
}

func TestAShellThatEnds(t *testing.T) {
	shell := openShell(t)
	_, err := shell.Run(t.Context(), "exit 3")
	var session *SessionError
	if !errors.As(err, &session) || !strings.Contains(err.Error(), "the shell ended") {
		t.Errorf("error = %v", err)
	}
	if _, err := shell.Run(t.Context(), "echo more"); err == nil {
		t.Error("a command ran in a shell that ended")
	}
}

func TestNoBashInTheContainer(t *testing.T) {
	f, c := startFake(t)
	f.program = []string{"/nonexistent/bash"}
	_, err := OpenShell(t.Context(), c, "ns", "p", "nginx")
	if err == nil || !strings.Contains(err.Error(), "opening a shell in the pod p") || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error = %v", err)
	}
}

func TestTooMuchOutput(t *testing.T) {
	shell := openShell(t)
	_, err := shell.Run(t.Context(), "head -c 6000000 /dev/zero | tr '\\0' x")
	if err == nil || !strings.Contains(err.Error(), "wrote more than") {
		t.Errorf("error = %v", err)
	}
}
