package run

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
)

// sleeper starts a process that stands for a launcher.
func sleeper(t *testing.T) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), "cat")
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command
}

func TestEndWithInterruptsWhenTheLauncherIsKilled(t *testing.T) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	launcher := sleeper(t)
	stop, err := EndWith(launcher.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	select {
	case <-interrupts:
		t.Fatal("interrupted although the launcher lives")
	default:
	}
	if err := launcher.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = launcher.Wait() // it was killed
	select {
	case <-interrupts:
	case <-t.Context().Done():
		t.Fatal("the launcher's end went unnoticed")
	}
	if _, err := EndWith(launcher.Process.Pid); err == nil {
		t.Error("a launcher that is gone is watched")
	}
}
