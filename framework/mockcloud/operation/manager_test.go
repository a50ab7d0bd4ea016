package operation

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

var onAccount = state.Ref{Type: "iam.serviceAccount", ID: "a1"}

// job is an operation whose work and commit tell that they have run.
type job struct {
	worked, committed chan struct{}
	spec              Spec
}

func newJob(id string, takes time.Duration, err error) *job {
	j := &job{worked: make(chan struct{}), committed: make(chan struct{})}
	j.spec = Spec{ID: id, Description: "Create", Metadata: &iam.CreateServiceAccountMetadata{ServiceAccountId: "a1"}, On: onAccount, Takes: takes,
		Work: func(context.Context) (proto.Message, error) {
			close(j.worked)
			return &iam.ServiceAccount{Id: "a1"}, err
		},
		Commit: func() { close(j.committed) }}
	return j
}

func (j *job) start(t *testing.T, m *Manager) *operation.Operation {
	t.Helper()
	op, err := m.Start(j.spec)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func happened(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func newManager(t *testing.T, file string) (*Manager, *clocktesting.FakeClock, *state.Store) {
	t.Helper()
	store, err := state.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	// Before the folder goes: the store's writer makes files beside its own.
	t.Cleanup(func() { _ = store.Close() })
	clock := clocktesting.NewFakeClock(time.Unix(1, 0))
	return NewManager(store, clock), clock, store
}

// The work is done while the latency passes; what others see changes at its end.
func TestAnOperationTakesItsLatency(t *testing.T) {
	m, clock, _ := newManager(t, "")
	j := newJob("op1", time.Minute, nil)
	if op := j.start(t, m); op.Done || op.Result != nil {
		t.Fatalf("done at once: %v", op)
	}
	<-j.worked
	clock.Step(time.Minute - time.Second)
	if op, _, _ := m.Get("op1"); op.Done || happened(j.committed) || len(m.Unfinished(onAccount)) != 1 {
		t.Fatalf("done a second too early: %v", op)
	}
	clock.Step(time.Second)
	m.wg.Wait()
	op, info, ok := m.Get("op1")
	if !ok || !op.Done || op.GetResponse() == nil || !happened(j.committed) || info.On != onAccount {
		t.Errorf("after its latency: %v, %+v", op, info)
	}
	if !op.ModifiedAt.AsTime().Equal(clock.Now()) || len(m.Unfinished(onAccount)) != 0 || len(m.On(onAccount)) != 1 {
		t.Errorf("modified at %v", op.ModifiedAt.AsTime())
	}
}

func TestHowOperationsEnd(t *testing.T) {
	refused := status.Error(codes.FailedPrecondition, "no")
	for _, x := range []struct {
		name      string
		takes     time.Duration
		err       error
		end       func(*Manager, *clocktesting.FakeClock)
		code      codes.Code
		committed bool
	}{
		{"at once", 0, nil, func(*Manager, *clocktesting.FakeClock) {}, codes.OK, true},
		{"at once, failed", 0, refused, func(*Manager, *clocktesting.FakeClock) {}, codes.FailedPrecondition, false},
		{"failed", time.Hour, refused, func(m *Manager, c *clocktesting.FakeClock) { c.Step(time.Hour); m.wg.Wait() }, codes.FailedPrecondition, false},
		{"shut down", time.Hour, nil, func(m *Manager, _ *clocktesting.FakeClock) { m.Close() }, codes.Canceled, false},
		{"failed, then shut down", time.Hour, refused, func(m *Manager, _ *clocktesting.FakeClock) { m.Close() }, codes.FailedPrecondition, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			m, clock, _ := newManager(t, "")
			j := newJob("op1", x.takes, x.err)
			op := j.start(t, m)
			<-j.worked
			if op.Done != (x.takes == 0) {
				t.Errorf("done is %v at once", op.Done)
			}
			if x.takes > 0 && !clock.HasWaiters() { // it is set before the work
				t.Fatal("no timer")
			}
			x.end(m, clock)
			op, _, _ = m.Get("op1")
			if !op.Done || codes.Code(op.GetError().GetCode()) != x.code || (op.GetResponse() == nil) != (x.code != codes.OK) {
				t.Errorf("ended as %v, want code %v", op, x.code)
			}
			if happened(j.committed) != x.committed {
				t.Errorf("committed: %v, want %v", happened(j.committed), x.committed)
			}
		})
	}
}

// A process that was killed leaves operations that nobody works on.
func TestUnfinishedOperationsOfAFormerProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	m, _, store := newManager(t, file)
	j := newJob("op1", time.Hour, nil)
	j.start(t, m)
	<-j.worked
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	next, _, _ := newManager(t, file)
	op, _, ok := next.Get("op1")
	if !ok || !op.Done || codes.Code(op.GetError().GetCode()) != codes.Canceled {
		t.Errorf("it is %v", op)
	}
	if on := next.On(onAccount); len(on) != 1 || on[0].Id != "op1" {
		t.Errorf("its resource has the operations %v", on)
	}
	m.Close()
}
