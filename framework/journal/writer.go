package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/redact"
)

// Writer appends to one process's file. It is safe for concurrent use.
type Writer struct {
	process  string
	redactor *redact.Redactor

	mu   sync.Mutex
	file *os.File
	seq  int
	err  error
}

// Open opens journal-<process>-<pid>.jsonl in dir for appending, mode 0600.
func Open(dir, process string, redactor *redact.Redactor) (*Writer, error) {
	path := filepath.Join(dir, fmt.Sprintf("journal-%s-%d.jsonl", process, os.Getpid()))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // G304: a file of the run's own folder
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	return &Writer{process: process, redactor: redactor, file: file}, nil
}

// Write appends an event with one system call. A failure (a full disk) is
// returned, and again by Err, so that callers in the middle of something can
// leave it to the end of the run.
func (w *Writer) Write(event Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	record := Record{Time: time.Now().UTC(), Process: w.process, PID: os.Getpid(), Seq: w.seq, Event: event}
	text, err := encodeLine(record, w.redactor.String)
	if err == nil {
		if _, err = w.file.Write(text); err != nil {
			err = fmt.Errorf("writing the journal: %w", err)
		}
	}
	if err != nil && w.err == nil {
		w.err = err
	}
	return err
}

// Err is the first failure of Write.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Close closes the file; it gives the first failure of all.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.file.Close(); err != nil && w.err == nil {
		w.err = fmt.Errorf("closing the journal: %w", err)
	}
	return w.err
}
