package access

import (
	"slices"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Binding gives a subject a role on a resource, from Granted until Revoked
// (zero: still).
type Binding struct {
	Role    string    `json:"role"`
	Subject Subject   `json:"subject"`
	Granted time.Time `json:"granted"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// Bindings are all access bindings of the cloud.
type Bindings struct {
	records *state.Records[[]Binding]
}

// NewBindings keeps them in s.
func NewBindings(s *state.Store) *Bindings {
	return &Bindings{records: state.NewRecords[[]Binding](s, "access.bindings")}
}

func key(ref state.Ref) string { return ref.Type + "/" + ref.ID }

// Delta is one change.
type Delta struct {
	Remove  bool
	Role    string
	Subject Subject
}

// List returns the bindings in force on ref itself, as the API shows them: at
// once, whatever the propagation.
func (b *Bindings) List(ref state.Ref) []Binding {
	all, _ := b.records.Get(key(ref))
	return slices.DeleteFunc(slices.Clone(all), func(x Binding) bool { return !x.Revoked.IsZero() })
}

// Update applies deltas in order and returns the ones that changed something.
// full, unless it is nil, may refuse the number of bindings that ref would have.
func (b *Bindings) Update(ref state.Ref, deltas []Delta, now time.Time, full func(have int) error) ([]Delta, error) {
	var effective []Delta
	err := b.records.Change(key(ref), func(old []Binding) ([]Binding, error) {
		next := slices.Clone(old)
		effective = nil
		for _, d := range deltas {
			i := slices.IndexFunc(next, func(x Binding) bool {
				return x.Role == d.Role && x.Subject == d.Subject && x.Revoked.IsZero()
			})
			switch {
			case d.Remove && i >= 0:
				next[i].Revoked = now
			case !d.Remove && i < 0:
				next = append(next, Binding{Role: d.Role, Subject: d.Subject, Granted: now})
			default:
				continue
			}
			effective = append(effective, d)
		}
		live := 0
		for _, x := range next {
			if x.Revoked.IsZero() {
				live++
			}
		}
		if full != nil {
			if err := full(live); err != nil {
				return nil, err
			}
		}
		return next, nil
	})
	return effective, err
}

// Set replaces all bindings of ref, else like Update.
func (b *Bindings) Set(ref state.Ref, want []Delta, now time.Time, full func(have int) error) ([]Delta, error) {
	var deltas []Delta
	for _, have := range b.List(ref) {
		if !slices.ContainsFunc(want, func(w Delta) bool { return w.Role == have.Role && w.Subject == have.Subject }) {
			deltas = append(deltas, Delta{Remove: true, Role: have.Role, Subject: have.Subject})
		}
	}
	return b.Update(ref, append(deltas, want...), now, full)
}

// Drop forgets the bindings on a resource that is gone.
func (b *Bindings) Drop(ref state.Ref) { b.records.Delete(key(ref)) }

// Count is the number of bindings in force on all resources.
func (b *Bindings) Count() int {
	n := 0
	for _, k := range b.records.Keys() {
		all, _ := b.records.Get(k)
		for _, x := range all {
			if x.Revoked.IsZero() {
				n++
			}
		}
	}
	return n
}

// Bound is a binding with the resource it is on.
type Bound struct {
	Resource string  `json:"resource"`
	Binding  Binding `json:"binding"`
}

// All lists the bindings in force on all resources.
func (b *Bindings) All() []Bound {
	var out []Bound
	for _, k := range b.records.Keys() {
		all, _ := b.records.Get(k)
		for _, x := range all {
			if x.Revoked.IsZero() {
				out = append(out, Bound{Resource: k, Binding: x})
			}
		}
	}
	return out
}

// on returns every binding on ref itself that is or was.
func (b *Bindings) on(ref state.Ref) []Binding {
	all, _ := b.records.Get(key(ref))
	return all
}
