package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// logName is the mock's output. Whoever started the mock locks it, and the mock,
// whose standard output it is, has the same lock until it ends, however that
// happens.
const logName = "mock.log"

// openLog makes a mock's log and locks it.
func openLog(dir string) (*os.File, error) {
	log, err := os.OpenFile(filepath.Join(dir, logName), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the mock's log: %w", err)
	}
	if err := lock(log); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the mock's log: %w", err), log.Close())
	}
	return log, nil
}

func lock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// orphan is the folder of a mock that no process holds and no ledger knows: its
// run was killed before it had a ledger.
type orphan struct {
	runID, dir string
	since      time.Time
}

// orphans looks among the temporary files of this user.
func orphans(ledgers []provision.LedgerInfo) ([]orphan, error) {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), ownPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("looking for folders of mocks: %w", err)
	}
	var found []orphan
	for _, dir := range dirs {
		id := strings.TrimPrefix(filepath.Base(dir), ownPrefix)
		known := slices.ContainsFunc(ledgers, func(l provision.LedgerInfo) bool { return l.Header.RunID == id })
		if known || !provision.ValidRunID(id) || !abandoned(dir) {
			continue
		}
		info, err := os.Lstat(dir)
		if err != nil {
			continue // somebody was quicker
		}
		found = append(found, orphan{runID: id, dir: dir, since: info.ModTime()})
	}
	return found, nil
}

// abandoned reports whether dir is a folder of this user with a mock's log that
// nobody has locked.
func abandoned(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Geteuid() {
		return false
	}
	log, err := os.OpenFile(filepath.Join(dir, logName), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer log.Close()
	return lock(log) == nil && !named(filepath.Join(dir, announceName))
}

// named reports whether a living process has word among its arguments, as the mocks
// of versions have that lock nothing. What cannot be looked at counts as living.
func named(word string) bool {
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(paths) == 0 {
		return true
	}
	return slices.ContainsFunc(paths, func(path string) bool {
		arguments, err := os.ReadFile(path)
		return err == nil && containsWord(arguments, word) || err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH)
	})
}

// sweep removes the folder, unless it is younger than f.olderThan.
func (o orphan) sweep(f sweepFlags, out io.Writer) error {
	switch {
	case f.run == "" && time.Since(o.since) < f.olderThan:
		_, _ = fmt.Fprintf(out, "run %s: left alone: it is not older than %s\n", o.runID, f.olderThan)
		return nil
	case f.dryRun:
		_, _ = fmt.Fprintf(out, "run %s: would remove %s, which no process holds\n", o.runID, o.dir)
		return nil
	}
	if err := os.RemoveAll(o.dir); err != nil {
		return fmt.Errorf("removing the folder of the mock of run %s: %w", o.runID, err)
	}
	_, _ = fmt.Fprintf(out, "run %s: removed %s, which no process held\n", o.runID, o.dir)
	return nil
}
