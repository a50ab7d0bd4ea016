package journal

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Follower reads the journal of a run that may still be going on, each line once. It
// is safe for concurrent use.
type Follower struct {
	dir string
	// without are the kinds of events that are left out, as they stand in a line.
	without [][]byte

	mu    sync.Mutex
	files map[string]*following
	torn  []string
	// all are the records so far, and fresh those that Next has not given.
	all, fresh []Record
}

type following struct {
	offset int64
	lines  int
	rest   []byte
	latest time.Time
}

// Follow starts at the beginning of the journal in dir.
func Follow(dir string) *Follower {
	return &Follower{dir: dir, files: map[string]*following{}}
}

// Without leaves out the events of some kinds, which costs less than to read them: the
// calls are most of a journal, and say nothing about verdicts. It is called before
// anything is read.
func (f *Follower) Without(kinds ...string) *Follower {
	for _, kind := range kinds {
		f.without = append(f.without, fmt.Appendf(nil, `"kind":%q`, kind))
	}
	return f
}

// lineHead is as much of a line as has what comes before the event.
const lineHead = 200

// leavesOut says whether a line's event is of a kind that is left out. Inside of a value
// the quotes would be escaped.
func (f *Follower) leavesOut(text []byte) bool {
	head := text[:min(len(text), lineHead)]
	return slices.ContainsFunc(f.without, func(kind []byte) bool { return bytes.Contains(head, kind) })
}

// Next gives the records written since the last call, merged by time. Lines
// still being written are left for the next call.
func (f *Follower) Next() ([]Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.look()
	fresh := f.fresh
	f.fresh = nil
	return merge(fresh), err
}

// All gives every record written so far, merged by time, whatever Next has given.
func (f *Follower) All() ([]Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.look()
	if err == nil && len(f.files) == 0 {
		err = fmt.Errorf("there is no journal in %s; is it the folder of a run?", f.dir)
	}
	return merge(slices.Clone(f.all)), err
}

func merge(records []Record) []Record {
	slices.SortStableFunc(records, func(a, b Record) int { return a.order.Compare(b.order) })
	return records
}

// look reads what is new in every file.
func (f *Follower) look() error {
	paths, err := filepath.Glob(filepath.Join(f.dir, "journal-*.jsonl"))
	if err != nil {
		return fmt.Errorf("looking for the journal in %s: %w", f.dir, err)
	}
	for _, path := range paths {
		fresh, err := f.read(path)
		if err != nil {
			return err
		}
		f.all, f.fresh = append(f.all, fresh...), append(f.fresh, fresh...)
	}
	return nil
}

func (f *Follower) read(path string) ([]Record, error) {
	at := f.files[path]
	if at == nil {
		at = &following{}
		f.files[path] = at
	}
	file, err := os.Open(path) //nolint:gosec // G304: a file of the run's own folder
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	defer file.Close()
	fresh, err := io.ReadAll(io.NewSectionReader(file, at.offset, 1<<62))
	if err != nil {
		return nil, fmt.Errorf("reading the journal %s: %w", path, err)
	}
	at.offset += int64(len(fresh))
	at.rest = append(at.rest, fresh...)
	var records []Record
	for {
		text, rest, complete := bytes.Cut(at.rest, []byte{'\n'})
		if !complete {
			return records, nil
		}
		at.rest = rest
		at.lines++
		if f.leavesOut(text) {
			continue
		}
		record, err := decodeLine(text)
		if err != nil {
			f.torn = append(f.torn, fmt.Sprintf("%s:%d: %v", filepath.Base(path), at.lines, err))
			continue
		}
		// The clock may step back; a process's own order is certain.
		if record.Time.After(at.latest) {
			at.latest = record.Time
		}
		record.order = at.latest
		records = append(records, record)
	}
}

// Torn lists, as file:line: reason, the lines that could not be read so far,
// those still unfinished included.
func (f *Follower) Torn() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	torn := slices.Clone(f.torn)
	for path, at := range f.files {
		if len(at.rest) > 0 {
			torn = append(torn, fmt.Sprintf("%s:%d: unfinished line", filepath.Base(path), at.lines+1))
		}
	}
	slices.Sort(torn)
	return torn
}

// Read gives the whole journal of a run, without some kinds of events if they are named,
// merged by time, and the lines that were torn. A folder without any journal file is an error.
func Read(dir string, without ...string) (records []Record, torn []string, err error) {
	f := Follow(dir).Without(without...)
	if records, err = f.All(); err != nil {
		return nil, nil, err
	}
	return records, f.Torn(), nil
}
