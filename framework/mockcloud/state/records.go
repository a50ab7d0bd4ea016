package state

import (
	"encoding/json"
	"sort"
)

// Records holds what is no resource and no message: R is plain JSON data.
type Records[R any] struct {
	store *Store
	rows  map[string]R
}

// NewRecords makes a named set of records.
func NewRecords[R any](s *Store, name string) *Records[R] {
	r := &Records[R]{store: s, rows: map[string]R{}}
	s.register(name, r)
	return r
}

// Get returns a record.
func (r *Records[R]) Get(key string) (R, bool) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	row, ok := r.rows[key]
	return row, ok
}

// Change sets a record to what change makes of the present one (the zero value
// if there is none); an error leaves it.
func (r *Records[R]) Change(key string, change func(old R) (R, error)) error {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	next, err := change(r.rows[key])
	if err != nil {
		return err
	}
	r.rows[key] = next
	r.store.changed()
	return nil
}

// Put sets a record.
func (r *Records[R]) Put(key string, row R) {
	_ = r.Change(key, func(R) (R, error) { return row, nil })
}

// Delete removes a record.
func (r *Records[R]) Delete(key string) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	delete(r.rows, key)
	r.store.changed()
}

// Keys lists the keys in order.
func (r *Records[R]) Keys() []string {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	keys := make([]string, 0, len(r.rows))
	for k := range r.rows {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (r *Records[R]) dump() (json.RawMessage, error) { return json.Marshal(r.rows) }

func (r *Records[R]) load(raw json.RawMessage) error { return json.Unmarshal(raw, &r.rows) }
