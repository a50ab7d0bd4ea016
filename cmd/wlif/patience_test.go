package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestStartPatiently(t *testing.T) {
	slack := func(start func(*exec.Cmd) error) int {
		t.Helper()
		var out strings.Builder
		// The shell's own child, which has it from the shell.
		command := exec.CommandContext(t.Context(), "sh", "-c", "cat /proc/self/timerslack_ns; true")
		command.Stdout, command.Stderr = &out, os.Stderr
		if err := start(command); err != nil {
			t.Fatal(err)
		}
		if err := command.Wait(); err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(out.String()))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := slack((*exec.Cmd).Start)
	if got := slack(startPatiently); got != int(patience) {
		t.Errorf("a program's timers may be late by %d ns", got)
	}
	if got := slack((*exec.Cmd).Start); got != before {
		t.Errorf("the next program's timers may be late by %d ns, not %d as before", got, before)
	}
}
