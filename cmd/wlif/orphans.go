package main

import (
	"context"
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

// orphan is the folder of a mock that no ledger knows and whose launcher has ended: its
// run was killed before it had a ledger.
type orphan struct {
	runID, dir string
	since      time.Time
	// mockLives: it is ending, or does not know yet that it has to.
	mockLives bool
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
		if known || !provision.ValidRunID(id) {
			continue
		}
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !ownFile(info) {
			continue // of another user, or somebody was quicker
		}
		fate := fateOf(dir)
		if fate == ended || fate == orphaned || fate == unknown && abandoned(dir) {
			found = append(found, orphan{runID: id, dir: dir, since: info.ModTime(), mockLives: fate == orphaned})
		}
	}
	return found, nil
}

// ownFile reports whether a file is this user's.
func ownFile(info os.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid()
}

// abandoned reports whether dir has a mock's log that nobody has locked, and no mock.
func abandoned(dir string) bool {
	held, err := isLocked(filepath.Join(dir, logName))
	return err == nil && !held && !named(filepath.Join(dir, announceName))
}

// named reports whether a living process has word among its arguments, as the mocks
// of versions have that lock nothing. What cannot be looked at counts as living.
func named(word string) bool {
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(paths) == 0 {
		return true
	}
	return slices.ContainsFunc(paths, func(path string) bool {
		arguments, err := os.ReadFile(path) //nolint:gosec // G304: from the pattern above
		return err == nil && containsWord(arguments, word) || err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH)
	})
}

// leave says why the folder stays: it is younger than f.olderThan, or nothing is to be
// deleted.
func (o orphan) leave(f sweepFlags, out io.Writer) bool {
	switch {
	case f.run == "" && time.Since(o.since) < f.olderThan:
		_, _ = fmt.Fprintf(out, "run %s: left alone: it is not older than %s\n", o.runID, f.olderThan)
	case f.dryRun && o.mockLives:
		_, _ = fmt.Fprintf(out, "run %s: would wait for its mock, which is ending, and remove %s\n", o.runID, o.dir)
	case f.dryRun:
		_, _ = fmt.Fprintf(out, "run %s: would remove %s, which no process holds\n", o.runID, o.dir)
	default:
		return false
	}
	return true
}

// free waits for the mock, if it lives.
func (o orphan) free(ctx context.Context, out io.Writer) error {
	if !o.mockLives {
		return nil
	}
	return awaitMock(ctx, o.runID, o.dir, out)
}

// remove removes the folder.
func (o orphan) remove(out io.Writer) error {
	if err := os.RemoveAll(o.dir); err != nil {
		return fmt.Errorf("removing the folder of the mock of run %s: %w", o.runID, err)
	}
	_, _ = fmt.Fprintf(out, "run %s: removed %s, which no process held\n", o.runID, o.dir)
	return nil
}
