// Package operation runs the long-running operations of the mock cloud and
// answers OperationService for all its services: the real one too is asked about
// operations of every service at one address.
package operation

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"k8s.io/utils/clock"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Spec is an operation to start.
type Spec struct {
	ID          string
	Description string
	// Metadata may be nil.
	Metadata proto.Message
	By       access.Subject
	// On is the resource it works on: ListOperations and the right to read it go by it.
	On state.Ref
	// Takes is how long it takes at least.
	Takes time.Duration
	// Slow work runs in the background even when Takes is 0.
	Slow bool
	// Work does it and returns the response (nil: Empty). When it fails it has
	// undone what it did.
	Work func(ctx context.Context) (proto.Message, error)
	// Commit, if set, does when the time has passed what others see only then (a
	// deleted row is gone). It does not run after an error or at a shutdown.
	Commit func()
}

// Info is what the message of an operation does not say.
type Info struct {
	By access.Subject `json:"by"`
	On state.Ref      `json:"on"`
}

// Manager holds all operations.
type Manager struct {
	clock  clock.Clock
	rows   *state.Table[*operation.Operation]
	infos  *state.Records[Info]
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu sync.Mutex
	// on has the operations on each resource, oldest first: a mock of many folders has
	// many, and is asked about one resource with every change of it.
	on map[state.Ref][]string
}

// Kind is the name of the table of operations.
const Kind = "operation.operation"

// NewManager keeps operations in s. One that a former process left unfinished
// can never end, so it is closed as failed.
func NewManager(s *state.Store, c clock.Clock) *Manager {
	m := &Manager{clock: c, rows: state.NewTable[*operation.Operation](s, Kind), infos: state.NewRecords[Info](s, "operation.info"),
		on: map[state.Ref][]string{}}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	for _, op := range m.rows.List(nil) {
		if info, ok := m.infos.Get(op.Id); ok {
			m.on[info.On] = append(m.on[info.On], op.Id)
		}
		if !op.Done {
			m.finish(op.Id, nil, errShutdown)
		}
	}
	return m
}

// Start begins an operation. One that takes no time is done when it returns.
func (m *Manager) Start(spec Spec) (*operation.Operation, error) {
	var meta *anypb.Any
	if spec.Metadata != nil {
		var err error
		if meta, err = anypb.New(spec.Metadata); err != nil {
			return nil, err
		}
	}
	now := timestamppb.New(m.clock.Now())
	op := &operation.Operation{Id: spec.ID, Description: spec.Description, CreatedAt: now, CreatedBy: spec.By.ID, ModifiedAt: now, Metadata: meta}
	if err := m.rows.Insert(op, nil); err != nil {
		return nil, err
	}
	m.infos.Put(spec.ID, Info{By: spec.By, On: spec.On})
	m.mu.Lock()
	m.on[spec.On] = append(m.on[spec.On], spec.ID)
	m.mu.Unlock()
	if spec.Takes <= 0 && !spec.Slow {
		resp, err := spec.Work(m.ctx)
		spec.commit(err)
		return m.finish(spec.ID, resp, err), nil
	}
	m.wg.Go(func() { m.run(spec) })
	return op, nil
}

// run works and lets the latency pass side by side: a cluster that really starts
// within its latency takes no longer than that.
func (m *Manager) run(spec Spec) {
	timer := m.clock.NewTimer(spec.Takes)
	defer timer.Stop()
	resp, err := spec.Work(m.ctx)
	select {
	case <-timer.C():
		spec.commit(err)
	case <-m.ctx.Done():
		// Without its commit it has not succeeded, whatever the work says.
		err = cmp.Or(err, errShutdown)
	}
	m.finish(spec.ID, resp, err)
}

// errShutdown is how an operation ends that the mock's own end cut short.
var errShutdown = status.Error(codes.Canceled, "The mock cloud was shut down")

func (s Spec) commit(err error) {
	if err == nil && s.Commit != nil {
		s.Commit()
	}
}

func (m *Manager) finish(id string, resp proto.Message, err error) *operation.Operation {
	op, _, _ := m.rows.Modify(id, func(op *operation.Operation) error {
		op.Done, op.ModifiedAt = true, timestamppb.New(m.clock.Now())
		setResult(op, resp, err)
		return nil
	})
	return op
}

// setResult: an operation ends with an error or with a response, which is Empty
// when there is nothing to say.
func setResult(op *operation.Operation, resp proto.Message, err error) {
	if resp == nil {
		resp = &emptypb.Empty{}
	}
	packed := &anypb.Any{}
	if err == nil {
		err = packed.MarshalFrom(resp)
	}
	if err != nil {
		op.Result = &operation.Operation_Error{Error: status.Convert(err).Proto()}
		return
	}
	op.Result = &operation.Operation_Response{Response: packed}
}

// Get returns an operation as it stands.
func (m *Manager) Get(id string) (*operation.Operation, Info, bool) {
	op, ok := m.rows.Get(id)
	if !ok {
		return nil, Info{}, false
	}
	info, _ := m.infos.Get(id)
	return op, info, true
}

// On lists the operations on a resource, oldest first.
func (m *Manager) On(ref state.Ref) []*operation.Operation {
	return m.of(ref, func(*operation.Operation) bool { return true })
}

// Unfinished lists the operations on a resource that are not done, oldest first.
func (m *Manager) Unfinished(ref state.Ref) []*operation.Operation {
	return m.of(ref, func(op *operation.Operation) bool { return !op.Done })
}

func (m *Manager) of(ref state.Ref, keep func(*operation.Operation) bool) []*operation.Operation {
	m.mu.Lock()
	ids := m.on[ref] // it only grows
	m.mu.Unlock()
	var out []*operation.Operation
	for _, id := range ids {
		if op, ok := m.rows.Get(id); ok && keep(op) {
			out = append(out, op)
		}
	}
	return out
}

// Close cancels the work that is under way and waits for it.
func (m *Manager) Close() {
	m.cancel()
	m.wg.Wait()
}
