package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
	"time"
)

// load reads the file that l holds. A last line without its newline was torn by
// a crash: it is cut off, because the call it announces was never made (an
// intent) or can be found again by name (everything else). Only who holds the file
// alone may cut: the line may be another's, on its way.
func (l *Ledger) load(alone bool) error {
	data, err := io.ReadAll(io.NewSectionReader(l.file, 0, math.MaxInt64))
	if err != nil {
		return fmt.Errorf("reading the ledger %s: %w", l.path, err)
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	if err := l.parse(data[:whole]); err != nil {
		return fmt.Errorf("reading the ledger %s: %w", l.path, err)
	}
	if whole < len(data) && alone {
		if err := l.file.Truncate(int64(whole)); err != nil {
			return fmt.Errorf("cutting the torn last line of the ledger %s: %w", l.path, err)
		}
	}
	return nil
}

// parse reads whole lines. A line that is no JSON is an error: the file was
// edited, and guessing what it said could leave something behind.
func (l *Ledger) parse(data []byte) error {
	l.records, l.order, l.last = map[Mark]*Record{}, nil, map[string]int{}
	for n, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("line %d is no entry: %w", n+1, err)
		}
		if (n == 0) != (e.Type == entryHeader) || (e.Type == entryHeader && e.Header == nil) {
			return fmt.Errorf("line %d: the header must be the first line, and only that", n+1)
		}
		l.apply(e)
	}
	if l.header.RunID == "" {
		return errors.New("it has no header")
	}
	return nil
}

// apply brings the records up to date. Entries about an unknown number are
// ignored: their intent was refused or deleted already.
func (l *Ledger) apply(e entry) {
	switch e.Type {
	case entryHeader:
		l.header = *e.Header
		return
	case entryClosed:
		l.closed = true
		return
	case entryIntent:
		if e.Record == nil || e.Seq != l.last[e.By]+1 {
			return
		}
		r := *e.Record
		r.mark = e.mark()
		l.records[r.mark], l.last[e.By] = &r, e.Seq
		l.order = append(l.order, r.mark)
		return
	}
	r, ok := l.records[e.mark()]
	if !ok {
		return
	}
	switch e.Type {
	case entryCreated:
		r.ID, r.Operation = e.ID, e.Operation
	case entryDone:
		r.Pending = false
	case entryRefused, entryDeleted:
		delete(l.records, r.mark)
	}
}

// LedgerInfo is a ledger as a list of runs shows it.
type LedgerInfo struct {
	Header Header
	Path   string
	// Alive is true if a process holds it.
	Alive bool
	// Live is the number of resources that were not deleted.
	Live int
	// Err says why it could not be read.
	Err error
}

// Ledgers lists the ledgers below stateDir, by run id. A missing folder is an
// empty list. It takes no locks.
func Ledgers(stateDir string) ([]LedgerInfo, error) {
	dirs, err := os.ReadDir(stateDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the ledgers: %w", err)
	}
	var out []LedgerInfo
	for _, d := range dirs {
		if !d.IsDir() || !ValidRunID(d.Name()) {
			continue
		}
		info := inspect(LedgerPath(stateDir, d.Name()))
		if errors.Is(info.Err, os.ErrNotExist) {
			continue // a run that is just being started or finished
		}
		if info.Header.RunID == "" {
			info.Header.RunID = d.Name()
		}
		out = append(out, info)
	}
	return out, nil
}

// Processes that were killed give their locks back when their last thread has ended:
// dyingBudget bounds how long that takes.
const (
	dyingBudget = 3 * time.Second
	lookEvery   = 20 * time.Millisecond
)

// StillAlive looks again whether a process holds the ledger, until none does, it is
// plain that the one that does is not being killed, or ctx ends.
func (i LedgerInfo) StillAlive(ctx context.Context) bool {
	deadline := time.NewTimer(dyingBudget)
	defer deadline.Stop()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for i.Alive && inspect(i.Path).Alive {
		select {
		case <-ticker.C:
		case <-deadline.C:
			return true
		case <-ctx.Done():
			return true
		}
	}
	return false
}

func inspect(path string) LedgerInfo {
	info := LedgerInfo{Path: path}
	f, err := os.Open(path) //nolint:gosec // G304: below the folder of ledgers, by a run id
	if err != nil {
		info.Err = err
		return info
	}
	defer f.Close()
	info.Alive = locked(f)
	data, err := io.ReadAll(f)
	if err != nil {
		info.Err = err
		return info
	}
	l := &Ledger{path: path}
	if info.Err = l.parse(data[:bytes.LastIndexByte(data, '\n')+1]); info.Err == nil {
		info.Header, info.Live = l.header, len(l.records)
	}
	return info
}

// locked reports whether somebody else holds the lock of a ledger.
func locked(f *os.File) bool {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return true
	}
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	return false
}
