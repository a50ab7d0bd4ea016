// Package hold keeps calls of the mock cloud waiting at a chosen moment: one that
// has arrived and was not executed, or one that was executed and not answered. Who
// chose it is told when it has come, and may then kill the caller at exactly that
// moment.
package hold

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Point is a moment in one call that concerns a folder.
type Point struct {
	Folder string `json:"folder"`
	// Method is a full name ("yandex.cloud.vpc.v1.NetworkService/Create").
	Method string `json:"method"`
	// Call counts the calls of the method in the folder, from 1.
	Call int `json:"call"`
	// After is the moment between execution and answer; else it is that before the
	// execution.
	After bool `json:"after,omitempty"`
}

// Desk knows the points that were chosen, one for a folder.
type Desk struct {
	mu   sync.Mutex
	held map[string]*held
}

type held struct {
	point    Point
	seen     int
	reached  chan struct{}
	released chan struct{}
}

// Choose makes the call of a point wait when it comes. It replaces the folder's
// former point, which is released.
func (d *Desk) Choose(p Point) error {
	if p.Folder == "" || p.Method == "" || p.Call < 1 {
		return fmt.Errorf("a point names a folder, a method and the number of its call, from 1; this is %+v", p)
	}
	d.Release(p.Folder)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held == nil {
		d.held = map[string]*held{}
	}
	d.held[p.Folder] = &held{point: p, reached: make(chan struct{}), released: make(chan struct{})}
	return nil
}

// ErrNoPoint says that a folder has no point.
var ErrNoPoint = errors.New("no point was chosen in the folder")

// Await returns when the call of the folder's point waits.
func (d *Desk) Await(ctx context.Context, folder string) error {
	d.mu.Lock()
	h := d.held[folder]
	d.mu.Unlock()
	if h == nil {
		return ErrNoPoint
	}
	select {
	case <-h.reached:
		return nil
	case <-h.released:
		return ErrNoPoint
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Release forgets the folder's point and lets its call go on, if it waits.
func (d *Desk) Release(folder string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if h := d.held[folder]; h != nil {
		close(h.released)
		delete(d.held, folder)
	}
}

// Arrived counts a call that concerns folders, and makes it wait before its
// execution if that is the point. Answered is what to call after the execution. The
// error is that of ctx: the caller is gone, and nothing is to be executed for it.
func (d *Desk) Arrived(ctx context.Context, method string, folders []string) (answered func(), err error) {
	nothing := func() {}
	h := d.count(method, folders)
	switch {
	case h == nil:
		return nothing, nil
	case h.point.After:
		return func() { _ = h.wait(ctx) }, nil // who is gone gets no answer anyway
	default:
		return nothing, h.wait(ctx)
	}
}

// count returns the point that this call is.
func (d *Desk) count(method string, folders []string) *held {
	d.mu.Lock()
	defer d.mu.Unlock()
	for folder, h := range d.held {
		if h.point.Method != method || !slices.Contains(folders, folder) {
			continue
		}
		if h.seen++; h.seen == h.point.Call {
			return h
		}
	}
	return nil
}

func (h *held) wait(ctx context.Context) error {
	close(h.reached)
	select {
	case <-h.released:
	case <-ctx.Done():
	}
	return ctx.Err()
}
