package access

import (
	"slices"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Need is a permission on a resource.
type Need struct {
	Permission string
	On         state.Ref
}

// Decider answers whether a subject has a permission.
type Decider struct {
	bindings *Bindings
	store    *state.Store
	now      func() time.Time
	delay    func() time.Duration
	bugs     func(folder string) bugs.Set
}

// NewDecider decides at now, when a change of bindings takes delay to be seen. acting
// are the bugs of a folder.
func NewDecider(b *Bindings, s *state.Store, now func() time.Time, delay func() time.Duration, acting func(folder string) bugs.Set) *Decider {
	return &Decider{bindings: b, store: s, now: now, delay: delay, bugs: acting}
}

// Chain is a resource and what it lies in, up to the cloud.
func (d *Decider) Chain(ref state.Ref) []state.Ref {
	chain := []state.Ref{ref}
	for len(chain) < 8 { // deeper than any hierarchy of the cloud's
		m, ok := d.store.Find(chain[len(chain)-1])
		if !ok || m.Parent == (state.Ref{}) {
			break
		}
		chain = append(chain, m.Parent)
	}
	return chain
}

// Allowed says whether a role that subject has on the resource, its folder or
// its cloud holds the permission.
func (d *Decider) Allowed(subject Subject, need Need) bool {
	chain := d.Chain(need.On)
	p := d.policyFor(chain)
	if slices.Contains(p.free, need.Permission) {
		return true
	}
	now, delay := d.now(), d.delay()
	for _, ref := range p.where(d, chain, need.Permission) {
		for _, b := range d.bindings.on(ref) {
			if p.same(b.Subject, subject) && p.inForce(b, now, delay) && p.holds(b.Role, need.Permission) {
				return true
			}
		}
	}
	return false
}
