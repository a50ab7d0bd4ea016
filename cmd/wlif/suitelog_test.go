package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// What the suite says is in the log without secrets, also what it says after signals
// that are meant for it.
func TestSuiteLog(t *testing.T) {
	l := testLaunch(t)
	l.cfg.Credentials.Token = config.NewSecret("y0_canarycanarycanary")
	if err := l.cfg.Save(l.folder.ConfigFile()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "suite.log")
	log, err := startSuiteLog(path, suiteEnviron(l, os.Environ()))
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) {
		t.Helper()
		if _, err := io.WriteString(log.in, text); err != nil {
			t.Error(err)
		}
	}
	say("first y0_canarycanarycanary\n")
	if group, err := syscall.Getpgid(log.command.Process.Pid); err != nil || group != log.command.Process.Pid {
		t.Errorf("it is of group %d: %v", group, err)
	}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		for raw := ""; raw == ""; { // only who has opened the log ignores signals
			text, _ := os.ReadFile(path)
			raw = string(text)
		}
		if err := log.command.Process.Signal(s); err != nil {
			t.Error(err)
		}
	}
	say("last")
	if err := log.close(); err != nil {
		t.Error(err)
	}
	raw, err := os.ReadFile(path)
	info, _ := os.Stat(path)
	if text := string(raw); err != nil || !strings.HasPrefix(text, "first ") || !strings.HasSuffix(text, "last") || strings.Contains(text, "canary") || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v: %q", err, info.Mode(), text)
	}
}

// A log that cannot be written keeps nobody waiting, and is told.
func TestSuiteLogOnAFullDisk(t *testing.T) {
	l := testLaunch(t)
	if err := l.cfg.Save(l.folder.ConfigFile()); err != nil {
		t.Fatal(err)
	}
	log, err := startSuiteLog("/dev/full", suiteEnviron(l, os.Environ()))
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 1023) + "\n"
	for range 1 << 10 { // more than a pipe holds
		if _, err := io.WriteString(log.in, line); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.close(); err == nil {
		t.Error("nobody was told")
	}
}
