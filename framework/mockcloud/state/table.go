package state

import (
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Table holds resources of one kind in the order they were made. Rows go in and
// out as copies.
type Table[T proto.Message] struct {
	store *Store
	kind  string
	rows  map[string]T
	order []string
}

// NewTable makes the table of a kind ("lockbox.secret").
func NewTable[T proto.Message](s *Store, kind string) *Table[T] {
	t := &Table[T]{store: s, kind: kind, rows: map[string]T{}}
	s.register(kind, t)
	return t
}

// Kind is the resource type the table holds.
func (t *Table[T]) Kind() string { return t.kind }

// Get returns a copy of a row.
func (t *Table[T]) Get(id string) (T, bool) {
	t.store.mu.RLock()
	defer t.store.mu.RUnlock()
	row, ok := t.rows[id]
	if !ok {
		var none T
		return none, false
	}
	return proto.CloneOf(row), true
}

// Insert adds a row unless refuse objects to one that is there already. refuse
// runs under the store's lock and must not ask the store.
func (t *Table[T]) Insert(row T, refuse func(existing T) error) error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if refuse != nil {
		for _, id := range t.order {
			if err := refuse(t.rows[id]); err != nil {
				return err
			}
		}
	}
	id := field(row, "id")
	if _, there := t.rows[id]; !there {
		t.order = append(t.order, id)
	}
	t.rows[id] = proto.CloneOf(row)
	t.store.changed()
	return nil
}

// Modify changes a row in place and returns a copy. An error leaves it as it was.
func (t *Table[T]) Modify(id string, change func(row T) error) (T, bool, error) {
	var none T
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	row, ok := t.rows[id]
	if !ok {
		return none, false, nil
	}
	next := proto.CloneOf(row)
	if err := change(next); err != nil {
		return none, true, err
	}
	t.rows[id] = next
	t.store.changed()
	return proto.CloneOf(next), true, nil
}

// Delete removes a row and says whether it was there.
func (t *Table[T]) Delete(id string) bool {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if _, ok := t.rows[id]; !ok {
		return false
	}
	delete(t.rows, id)
	for i, have := range t.order {
		if have == id {
			t.order = append(t.order[:i:i], t.order[i+1:]...)
			break
		}
	}
	t.store.changed()
	return true
}

// List returns copies of the rows that keep accepts (nil keeps all), oldest
// first. keep runs under the store's lock and must not ask the store.
func (t *Table[T]) List(keep func(row T) bool) []T {
	t.store.mu.RLock()
	defer t.store.mu.RUnlock()
	var out []T
	for _, id := range t.order {
		if row := t.rows[id]; keep == nil || keep(row) {
			out = append(out, proto.CloneOf(row))
		}
	}
	return out
}

type dumped struct {
	Order []string                   `json:"order"`
	Rows  map[string]json.RawMessage `json:"rows"`
}

func (t *Table[T]) dump() (json.RawMessage, error) {
	d := dumped{Order: t.order, Rows: map[string]json.RawMessage{}}
	for id, row := range t.rows {
		raw, err := protojson.Marshal(row)
		if err != nil {
			return nil, err
		}
		d.Rows[id] = raw
	}
	return json.Marshal(d)
}

func (t *Table[T]) load(raw json.RawMessage) error {
	var d dumped
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	var zero T
	for _, id := range d.Order {
		row := zero.ProtoReflect().New().Interface().(T)
		if err := protojson.Unmarshal(d.Rows[id], row); err != nil {
			return fmt.Errorf("row %s: %w", id, err)
		}
		t.rows[id] = row
	}
	t.order = d.Order
	return nil
}

// Meta is what every resource of the cloud has, as far as its message has it.
type Meta struct {
	Type      string            `json:"type"`
	ID        string            `json:"id"`
	FolderID  string            `json:"folder_id,omitempty"`
	Name      string            `json:"name,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
	// Parent is the resource a message without a folder belongs to (a node
	// group's cluster, a credential's service account).
	Parent Ref `json:"parent,omitzero"`
}

// Ref names a resource.
type Ref struct {
	Type string `json:"type,omitempty"`
	ID   string `json:"id,omitempty"`
}

// parentFields are the fields by which a message names what it belongs to.
var parentFields = []struct{ field, kind string }{
	{"folder_id", "resource-manager.folder"},
	{"cloud_id", "resource-manager.cloud"},
	{"service_account_id", "iam.serviceAccount"},
	{"secret_id", "lockbox.secret"},
	{"cluster_id", "managed-kubernetes.cluster"},
	{"key_id", "kms.symmetricKey"},
}

// Inventory lists every resource of every table of messages, oldest first.
func (s *Store) Inventory() []Meta {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Meta
	for _, name := range s.order {
		if t, ok := s.tables[name].(interface{ metas() []Meta }); ok {
			out = append(out, t.metas()...)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].CreatedAt.Before(out[j].CreatedAt) })
	return out
}

// Find returns the metadata of one resource.
func (s *Store) Find(ref Ref) (Meta, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t, ok := s.tables[ref.Type].(interface{ meta(string) (Meta, bool) }); ok {
		return t.meta(ref.ID)
	}
	return Meta{}, false
}

func (t *Table[T]) metas() []Meta {
	out := make([]Meta, 0, len(t.order))
	for _, id := range t.order {
		m, _ := t.meta(id)
		out = append(out, m)
	}
	return out
}

func (t *Table[T]) meta(id string) (Meta, bool) {
	row, ok := t.rows[id]
	if !ok {
		return Meta{}, false
	}
	m := Meta{Type: t.kind, ID: id, Name: field(row, "name"), FolderID: field(row, "folder_id")}
	for _, p := range parentFields {
		if parent := field(row, protoreflect.Name(p.field)); parent != "" {
			m.Parent = Ref{Type: p.kind, ID: parent}
			break
		}
	}
	if labeled, ok := any(row).(interface{ GetLabels() map[string]string }); ok {
		m.Labels = labeled.GetLabels()
	}
	m.CreatedAt = createdAt(row)
	return m, true
}

func field(m proto.Message, name protoreflect.Name) string {
	r := m.ProtoReflect()
	f := r.Descriptor().Fields().ByName(name)
	if f == nil || f.Kind() != protoreflect.StringKind || f.Cardinality() == protoreflect.Repeated {
		return ""
	}
	return r.Get(f).String()
}

// createdAt is the message's created_at, which all resources of the cloud have.
func createdAt(m proto.Message) time.Time {
	if c, ok := m.(interface{ GetCreatedAt() *timestamppb.Timestamp }); ok {
		return c.GetCreatedAt().AsTime()
	}
	return time.Time{}
}
