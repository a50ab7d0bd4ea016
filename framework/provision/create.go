package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// builder creates resources, each with its lines in the ledger.
type builder struct {
	client *cloud.Client
	ledger *Ledger
	folder string
	labels map[string]string
	// made, if not nil, is told of the id of everything that was made, at once.
	made func(id string)
}

// creation is one resource to be created.
type creation struct {
	step, kind, name string
	// parent is as in Record.
	parent string
	// method is the full gRPC name of what call calls, for messages.
	method string
	call   func(ctx context.Context) (*operation.Operation, error)
	// id says what the id is where the operation's metadata does not.
	id string
	// response, if not nil, receives the operation's.
	response proto.Message
}

// create writes the intent, makes the call, writes the id, waits for the
// operation and writes that it is done. The id is returned even with an error, if
// it is known.
func (b *builder) create(ctx context.Context, n creation, report func(string)) (string, error) {
	doing := fmt.Sprintf("creating %s %s in folder %s", n.kind, n.name, b.folder)
	key := cmp.Or(cloud.IdempotencyKey(ctx), cloud.NewIdempotencyKey())
	record := Record{Step: n.step, Kind: n.kind, Name: n.name, FolderID: b.folder, Parent: n.parent, IdempotencyKey: key}
	if kinds[n.kind].list != nil { // what hangs on a service account has no labels
		record.Labels = b.labels
	}
	mark, err := b.ledger.Intend(record)
	if err != nil {
		return "", err
	}
	op, err := call(cloud.WithIdempotencyKey(ctx, key), n.call)
	if err != nil {
		return "", errors.Join(cloud.While(err, doing), b.refused(mark, err))
	}
	id := n.id
	if id == "" {
		id = cloud.ResourceID(op, kinds[n.kind].idField)
	}
	if b.made != nil && id != "" {
		b.made(id)
	}
	if err := b.ledger.Created(mark, id, op.GetId()); err != nil {
		return id, err
	}
	if err := b.client.Wait(ctx, n.method, op, n.response, saying(report)); err != nil {
		return id, cloud.While(err, doing)
	}
	if id == "" {
		return "", fmt.Errorf("%s: operation %s of %s names no id", doing, op.GetId(), n.method)
	}
	return id, b.ledger.Done(mark)
}

// refused notes an answer that means that nothing was created. No answer at all
// means that nobody knows, so the intent stays.
func (b *builder) refused(mark Mark, err error) error {
	switch cloud.ClassOf(err) {
	case cloud.ClassTransport, cloud.ClassRetryable:
		return nil
	}
	return b.ledger.Refused(mark)
}

func saying(report func(string)) func(cloud.Progress) {
	if report == nil {
		return nil
	}
	return func(p cloud.Progress) { report(fmt.Sprintf("operation %s: %s", p.OperationID, p.Description)) }
}

// Backoff of ABORTED, which FolderService.UpdateAccessBindings answers when two
// calls change the bindings of one folder at once: 8 attempts over about 10 s.
const (
	conflictAttempts = 8
	conflictBackoff  = 100 * time.Millisecond
)

// call makes a call again when it lost a race (ABORTED), with the idempotency key
// that ctx carries: nothing came of the first one. Nothing else is repeated here;
// package cloud repeats UNAVAILABLE.
func call(ctx context.Context, f func(context.Context) (*operation.Operation, error)) (*operation.Operation, error) {
	backoff := conflictBackoff
	for attempt := 1; ; attempt++ {
		op, err := f(ctx)
		if err == nil || !conflict(err) || attempt == conflictAttempts {
			return op, err
		}
		if !pause(ctx, backoff) {
			return nil, errors.Join(err, context.Cause(ctx))
		}
		backoff = min(2*backoff, 3*time.Second)
	}
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func conflict(err error) bool {
	var e *cloud.Error
	return errors.As(err, &e) && e.Code == codes.Aborted
}
