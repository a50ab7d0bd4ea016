package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync"

	"github.com/google/renameio/v2"
)

// Store is the set of all tables. One lock guards it: the mock serves a test,
// not a city, and a check and its insert must be one step.
type Store struct {
	mu     sync.RWMutex
	file   string
	loaded map[string]json.RawMessage
	tables map[string]persisted
	order  []string

	dirty   chan struct{}
	stopped chan struct{}
	closed  bool
	damaged error
}

type persisted interface {
	dump() (json.RawMessage, error)
	load(json.RawMessage) error
}

// Open makes a store. file is where it is kept ("" keeps it in memory only); a
// missing file is an empty store, a damaged one an error.
func Open(file string) (*Store, error) {
	s := &Store{file: file, tables: map[string]persisted{}, loaded: map[string]json.RawMessage{}}
	if file == "" {
		return s, nil
	}
	raw, err := os.ReadFile(file) //nolint:gosec // G304: the file that the user named
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read the state: %w", err)
	default:
		if err := json.Unmarshal(raw, &s.loaded); err != nil {
			return nil, fmt.Errorf("the state file %s is damaged (move it away to start empty): %w", file, err)
		}
	}
	s.dirty, s.stopped = make(chan struct{}, 1), make(chan struct{})
	go s.writer()
	return s, nil
}

// register adds a table and fills it from the file. Tables are made once, while
// the mock is put together; Damaged tells afterwards what could not be read.
func (s *Store) register(name string, t persisted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, twice := s.tables[name]; twice {
		panic("state: table " + name + " is made twice")
	}
	s.tables[name] = t
	s.order = append(s.order, name)
	if raw, ok := s.loaded[name]; ok {
		if err := t.load(raw); err != nil {
			s.damaged = errors.Join(s.damaged, fmt.Errorf("the state file %s is damaged (move it away to start empty): table %s: %w", s.file, name, err))
		}
	}
}

// Damaged is what the tables made so far could not read of the file.
func (s *Store) Damaged() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.damaged
}

// changed asks the writer for a new copy on disk. Called with the lock held.
func (s *Store) changed() {
	if s.file == "" || s.closed {
		return
	}
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

func (s *Store) writer() {
	defer close(s.stopped)
	for range s.dirty {
		_ = s.write() // Close writes everything again, and tells
	}
}

func (s *Store) write() error {
	s.mu.RLock()
	if s.damaged != nil {
		s.mu.RUnlock()
		return nil //nolint:nilerr // what was there stays as it is, and Damaged tells
	}
	all := maps.Clone(s.loaded) // with the tables that are not made yet
	for name, t := range s.tables {
		raw, err := t.dump()
		if err != nil {
			s.mu.RUnlock()
			return fmt.Errorf("write table %s: %w", name, err)
		}
		all[name] = raw
	}
	s.mu.RUnlock()
	raw, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(s.file, raw, 0o600)
}

// Close writes the last copy. What changes afterwards (a call may still be under
// way) is lost. A store whose file could not be read leaves it as it is.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.file == "" || s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.dirty)
	s.mu.Unlock()
	<-s.stopped
	return s.write()
}
