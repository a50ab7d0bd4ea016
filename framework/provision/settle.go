package provision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// settle waits for the creation that a crash or an interrupt left going on, and
// finds the id of what was created without anybody noting it.
func (m *remover) settle(ctx context.Context, r Record, report func(string)) (Record, error) {
	if r.Pending && r.Operation != "" {
		if err := m.over(ctx, "creating "+r.Kind, r.Operation, report); err != nil {
			return r, err
		}
	}
	if r.ID != "" {
		return r, nil
	}
	found, err := m.find(ctx, r)
	r.ID = found.ID
	return r, err
}

// idle waits for what still goes on with a resource, which the cloud does not delete
// meanwhile: an operation that is in nobody's ledger, because its call's answer was
// lost with the process that made it. It returns those that have not ended.
func (m *remover) idle(ctx context.Context, k kind, r Record, report func(string)) ([]*operation.Operation, error) {
	if k.operations == nil {
		return nil, nil
	}
	going, err := k.operations(ctx, m.client, r.ID)
	if err != nil || len(going) == 0 {
		return nil, err
	}
	for _, op := range going {
		if err := m.over(ctx, op.GetDescription(), op.GetId(), report); err != nil {
			return going, err
		}
	}
	return k.operations(ctx, m.client, r.ID)
}

// unended adds to a refusal of a deletion that the cloud is not yet done with the
// resource, which nobody but the cloud can change.
func unended(err error, going []*operation.Operation) error {
	for _, op := range going {
		err = fmt.Errorf("%w; operation %s (%s) has not ended: when it has, `wlif sweep` deletes what is left", err, op.GetId(), op.GetDescription())
	}
	return err
}

// over returns when an operation has ended: how does not matter. One that never ends
// gets half of the time that is left, so that the deletion is tried all the same.
func (m *remover) over(ctx context.Context, doing, id string, report func(string)) error {
	patience, cancel := context.WithCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		patience, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
	}
	defer cancel()
	if err := m.client.Wait(patience, doing, &operation.Operation{Id: id}, nil, saying(report)); err != nil && ctx.Err() != nil {
		return err
	}
	return nil
}

// find looks for a record by its name among what is there; an empty Resource
// means that it never came to be.
func (m *remover) find(ctx context.Context, r Record) (Resource, error) {
	k := kinds[r.Kind]
	var all []Resource
	var err error
	switch {
	case k.list != nil:
		all, err = k.list(ctx, m.client, m.folderOf(r))
	case k.children != nil:
		all, err = k.children(ctx, m.client, m.folderOf(r), r.Parent)
	default:
		return Resource{ID: r.Name}, nil // a namespace's id is its name
	}
	if cloud.ClassOf(err) == cloud.ClassNotFound {
		return Resource{}, nil
	}
	i := slices.IndexFunc(all, func(x Resource) bool {
		return x.Name == r.Name && x.Parent == parentOf(k, r) && (r.Labels == nil || k.list == nil || x.Labels[LabelRun] == r.Labels[LabelRun])
	})
	if err != nil || i < 0 {
		return Resource{}, err
	}
	return all[i], nil
}

// parentOf is what lists give as the parent of a record: they know none for the
// kinds that are listed by folder.
func parentOf(k kind, r Record) string {
	if k.list != nil {
		return ""
	}
	return r.Parent
}
