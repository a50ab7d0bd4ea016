package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// A run that is killed while its mock starts has no ledger yet.
func TestSweepFindsFoldersThatNobodyHolds(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	folder := func(name string) *os.File {
		dir := filepath.Join(os.TempDir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		log, err := openLocked(dir, logName)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = log.Close() })
		return log
	}
	for _, name := range []string{"wlif-aaaaaaaa", "wlif-known000", "wlif-mock-123", "other-aaaaaaaa"} {
		_ = folder(name).Close()
	}
	folder("wlif-held0000")
	_ = folder("wlif-unlocked").Close() // its mock lives, and locks nothing
	mock := exec.Command("sh", "-c", "read -r line", "mock", filepath.Join(mockDir("unlocked"), announceName))
	hold, err := mock.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := mock.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = hold.Close()
		_ = mock.Wait() // read ends with the input, and with 1
	})
	if err := os.Mkdir(filepath.Join(os.TempDir(), "wlif-nologs00"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(os.TempDir(), "other-aaaaaaaa"), filepath.Join(os.TempDir(), "wlif-symlink0")); err != nil {
		t.Fatal(err)
	}
	ledgers := []provision.LedgerInfo{{Header: provision.Header{RunID: "known000"}}}
	there := func(want int) {
		t.Helper()
		if found, err := os.ReadDir(os.TempDir()); err != nil || len(found) != want {
			t.Errorf("there are %v, %v; want %d", found, err, want)
		}
	}
	for _, step := range []struct {
		flags sweepFlags
		says  string
		left  int
	}{
		{sweepFlags{dryRun: true}, "run aaaaaaaa: would remove " + mockDir("aaaaaaaa") + ", which no process holds\n", 8},
		{sweepFlags{olderThan: time.Hour}, "run aaaaaaaa: left alone: it is not older than 1h0m0s\n", 8},
		{sweepFlags{}, "run aaaaaaaa: removed " + mockDir("aaaaaaaa") + ", which no process held\n", 7},
		{sweepFlags{}, "Nothing of ours is left.\n", 7},
	} {
		var out bytes.Buffer
		if err := sweepMocks(t.Context(), step.flags, ledgers, &out); err != nil || out.String() != step.says {
			t.Errorf("%+v: %q, %v", step.flags, out.String(), err)
		}
		there(step.left)
	}
}
