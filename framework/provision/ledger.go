package provision

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Header is the first line of a ledger: what a sweep must know to reach the
// cloud that the run used, on a day when nobody remembers it.
type Header struct {
	RunID    string    `json:"run_id"`
	Owner    string    `json:"owner"`
	Endpoint string    `json:"endpoint"`
	CABundle string    `json:"ca_bundle,omitempty"` // path, the value of SSL_CERT_FILE
	CloudID  string    `json:"cloud_id,omitempty"`
	FolderID string    `json:"folder_id"`
	Started  time.Time `json:"started"`
	Expires  time.Time `json:"expires"`
	PID      int       `json:"pid"`
	// Local says how to stop what the run started on this machine. It belongs to
	// whoever wrote it; this package only carries it.
	Local map[string]string `json:"local,omitempty"`
}

// Entry types of a ledger.
const (
	entryHeader  = "run"
	entryIntent  = "intent"  // about to be created
	entryCreated = "created" // accepted: id and operation are known
	entryDone    = "done"    // its operation is done
	entryRefused = "refused" // refused: there is nothing to delete
	entryDeleted = "deleted"
	entryClosed  = "closed" // everything was deleted
)

// entry is one line of a ledger.
type entry struct {
	Type   string    `json:"type"`
	At     time.Time `json:"at"`
	Header *Header   `json:"header,omitempty"`
	// By and Seq tie the lines about one resource together: the process that wrote
	// them, and its own count.
	By     string  `json:"by,omitempty"`
	Seq    int     `json:"seq,omitempty"`
	Record *Record `json:"record,omitempty"`
	ID     string  `json:"id,omitempty"`
	// Operation is the id of the operation that creates it.
	Operation string `json:"operation,omitempty"`
}

// Record is a resource as a ledger knows it.
type Record struct {
	// Step is the graph's name for it; Kind the kind ("vpc.network").
	Step string `json:"step"`
	Kind string `json:"kind"`
	// Name is its name, or what identifies it where there is none: the external
	// subject of a federated credential, the role of an access binding.
	Name     string `json:"name"`
	FolderID string `json:"folder_id,omitempty"`
	// Parent is the id it hangs on where that is not the folder: the service
	// account of a credential or a binding, the cluster of a namespace.
	Parent         string            `json:"parent,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	IdempotencyKey string            `json:"idempotency_key,omitempty"`

	ID        string `json:"id,omitempty"`
	Operation string `json:"operation,omitempty"`
	// Pending is true while the operation that creates it may still be going on.
	Pending bool `json:"pending,omitempty"`

	mark Mark
}

// Mark is a record's place in its ledger. The zero Mark is none.
type Mark struct {
	by  string
	seq int
}

// Ledger is the durable list of what a run is about to create and has created.
// It is safe for concurrent use. The processes of a run write it together (Join);
// whoever deletes what it names has it alone.
type Ledger struct {
	path string
	// by is this process's name in the file.
	by string

	mu      sync.Mutex
	file    *os.File
	header  Header
	records map[Mark]*Record
	// order is that of the records' creation, last the last number of each process.
	order  []Mark
	last   map[string]int
	closed bool
	// made and gone are told of resources with an id; see Watch.
	made, gone func(Record)
}

// ErrRunAlive says that another process holds the run's ledger.
var ErrRunAlive = errors.New("the run is alive: another process holds its ledger")

const (
	ledgerName   = "ledger.jsonl"
	lockPatience = 100 * time.Millisecond
)

// StateDir is the folder that the runs' folders are in:
// $XDG_STATE_HOME/wlif/runs, or ~/.local/state/wlif/runs.
func StateDir() (string, error) {
	if base := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "wlif", "runs"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the folder for ledgers: %w; set XDG_STATE_HOME", err)
	}
	return filepath.Join(home, ".local", "state", "wlif", "runs"), nil
}

// LedgerPath is where the ledger of a run is, below StateDir.
func LedgerPath(stateDir, runID string) string { return filepath.Join(stateDir, runID, ledgerName) }

// CreateLedger starts the ledger of a new run and holds it alone.
func CreateLedger(stateDir string, h Header) (*Ledger, error) {
	if !ValidRunID(h.RunID) {
		return nil, fmt.Errorf("starting the ledger: %q is no run id (8 characters a-z and 0-9, first a letter)", h.RunID)
	}
	path := LedgerPath(stateDir, h.RunID)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("starting the ledger: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the run's own folder, by an id of letters and digits
	if err != nil {
		return nil, fmt.Errorf("starting the ledger: %w", err)
	}
	l := newLedger(path, f)
	l.header = h
	if err := l.lock(syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	if err := l.append(entry{Type: entryHeader, Header: &h}); err != nil {
		_ = f.Close()
		return nil, err
	}
	return l, syncDir(filepath.Dir(path))
}

// OpenLedger opens the ledger of an earlier run, and holds it alone. ErrRunAlive
// if somebody else holds it.
func OpenLedger(stateDir, runID string) (*Ledger, error) {
	return openLedger(stateDir, runID, syscall.LOCK_EX, "")
}

// JoinLedger opens the ledger of the run that this process belongs to, and holds
// it together with the run's other processes. by is this one's name, which no
// other has. ErrRunAlive if somebody holds it alone.
func JoinLedger(stateDir, runID, by string) (*Ledger, error) {
	return openLedger(stateDir, runID, syscall.LOCK_SH, by)
}

func openLedger(stateDir, runID string, how int, by string) (*Ledger, error) {
	path := LedgerPath(stateDir, runID)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0o600) //nolint:gosec // G304: the run's own folder
	if err != nil {
		return nil, fmt.Errorf("opening the ledger of run %s: %w", runID, err)
	}
	l := newLedger(path, f)
	l.by = by
	if err := l.lock(how); err != nil {
		_ = f.Close()
		return nil, err
	}
	if err := l.load(how == syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return l, nil
}

func newLedger(path string, f *os.File) *Ledger {
	return &Ledger{path: path, file: f, records: map[Mark]*Record{}, last: map[string]int{}}
}

// TakeOver holds a ledger alone that was held together, and reads what the others
// have written. ErrRunAlive if one of them still holds it.
func (l *Ledger) TakeOver() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.lock(syscall.LOCK_EX); err != nil {
		return err
	}
	return l.load(true)
}

// lock takes the lock, which the system drops when the process ends however it ends.
// Somebody who lists ledgers holds each for a moment (locked), so a taken lock
// is tried again until that must be over.
func (l *Ledger) lock(how int) error {
	var err error
	for deadline := time.Now().Add(lockPatience); ; {
		err = syscall.Flock(int(l.file.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			break
		}
		<-time.After(lockPatience / 10)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%w (%s)", ErrRunAlive, l.path)
	}
	return fmt.Errorf("locking the ledger %s: %w", l.path, err)
}

// syncDir makes a new file's name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // G304: the run's own folder
	if err != nil {
		return fmt.Errorf("making the ledger durable: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("making the ledger durable: %w", err)
	}
	return nil
}

// Close gives the lock back. The file stays.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

// Path is the file's path.
func (l *Ledger) Path() string { return l.path }

// Header is the run's.
func (l *Ledger) Header() Header { return l.header }

func (l *Ledger) append(e entry) error {
	e.At = time.Now().UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing the ledger %s: %w", l.path, err)
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing the ledger %s: %w", l.path, err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("writing the ledger %s: %w", l.path, err)
	}
	return nil
}

// Watch has two functions told of each resource of which this process notes that it was
// made, and that it is gone. Neither may use the ledger.
func (l *Ledger) Watch(made, gone func(Record)) { l.made, l.gone = made, gone }

// Intend notes that r is about to be created and returns its mark. When it
// fails nothing may be created.
func (l *Ledger) Intend(r Record) (Mark, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Pending = true
	e := entry{Type: entryIntent, By: l.by, Seq: l.last[l.by] + 1, Record: &r}
	if err := l.append(e); err != nil {
		return Mark{}, err
	}
	l.apply(e)
	return e.mark(), nil
}

func (e entry) mark() Mark { return Mark{e.By, e.Seq} }

// Created notes the id and the operation of what was intended.
func (l *Ledger) Created(m Mark, id, operation string) error {
	return l.note(m, entry{Type: entryCreated, ID: id, Operation: operation})
}

// Done notes that the operation that creates it is over.
func (l *Ledger) Done(m Mark) error { return l.note(m, entry{Type: entryDone}) }

// Refused notes that the cloud refused to create it.
func (l *Ledger) Refused(m Mark) error { return l.note(m, entry{Type: entryRefused}) }

// Deleted notes that it is gone.
func (l *Ledger) Deleted(m Mark) error { return l.note(m, entry{Type: entryDeleted}) }

func (l *Ledger) note(m Mark, e entry) error {
	e.By, e.Seq = m.by, m.seq
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.append(e); err != nil {
		return err
	}
	before, known := l.records[m]
	l.apply(e)
	if !known || before.ID == "" {
		return nil
	}
	switch {
	case e.Type == entryCreated && l.made != nil:
		l.made(*before)
	case e.Type == entryDeleted && l.gone != nil:
		l.gone(*before)
	}
	return nil
}

// Finish notes that nothing of the run is left and removes its folder.
func (l *Ledger) Finish() error {
	if err := l.note(Mark{}, entry{Type: entryClosed}); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Dir(l.path)); err != nil {
		return fmt.Errorf("removing the ledger of a run that left nothing: %w", err)
	}
	return nil
}

// Live returns what was or may have been created and was not deleted, in the
// order of creation. Of a ledger that is held together it knows what the others
// had written when this process joined.
func (l *Ledger) Live() []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Record
	for _, m := range l.order {
		if r, ok := l.records[m]; ok {
			out = append(out, *r)
		}
	}
	return out
}
