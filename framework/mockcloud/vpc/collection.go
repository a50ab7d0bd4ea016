package vpc

import (
	"context"
	"fmt"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// resource is what the messages of all six kinds have.
type resource interface {
	proto.Message
	GetId() string
	GetFolderId() string
	GetName() string
}

// collection is what the six services do alike.
type collection[T resource] struct {
	v     *VPC
	table *state.Table[T]
	// noun is how texts call one of them.
	noun  string
	rules limits
}

func newCollection[T resource](v *VPC, kind, noun string, rules limits) *collection[T] {
	return &collection[T]{v: v, table: state.NewTable[T](v.k.Store, kind), noun: noun, rules: rules}
}

func (c *collection[T]) ref(id string) state.Ref { return state.Ref{Type: c.table.Kind(), ID: id} }

// title is "Route table enp...".
func (c *collection[T]) title(id string) string {
	return strings.ToUpper(c.noun[:1]) + c.noun[1:] + " " + id
}

func (c *collection[T]) get(id string) (T, error) {
	row, ok := c.table.Get(id)
	if !ok {
		return row, c.v.k.NotFound(c.table.Kind(), id)
	}
	return row, nil
}

// use returns a row that others may lean on. One whose creation or deletion is
// under way is refused: a client has to wait for the operation, as on the cloud.
func (c *collection[T]) use(id string) (T, error) {
	row, err := c.get(id)
	if err != nil {
		return row, err
	}
	for _, op := range c.v.k.Operations.Unfinished(c.ref(id)) {
		name := string(op.Metadata.MessageName().Name())
		if strings.HasPrefix(name, "Create") || strings.HasPrefix(name, "Delete") {
			return row, c.v.k.Guess("vpc/busy", c.title(id))
		}
	}
	return row, nil
}

// idle returns a row that no operation works on.
func (c *collection[T]) idle(id string) (T, error) {
	row, err := c.get(id)
	if err == nil && len(c.v.k.Operations.Unfinished(c.ref(id))) > 0 {
		err = c.v.k.Guess("vpc/busy", c.title(id))
	}
	return row, err
}

type listRequest interface {
	kernel.PageRequest
	GetFolderId() string
	GetFilter() string
}

// list is a page of a folder's rows.
func (c *collection[T]) list(req listRequest) ([]T, string, error) {
	rows, err := kernel.Filter(c.table.List(func(r T) bool { return r.GetFolderId() == req.GetFolderId() }), req.GetFilter())
	if err != nil {
		return nil, "", err
	}
	return kernel.Page(rows, req, T.GetId)
}

func (c *collection[T]) operations(id string, req kernel.PageRequest) ([]*operation.Operation, string, error) {
	return c.v.k.OperationsOn(c.ref(id), req)
}

// unique refuses a name that another row of the folder has.
func (c *collection[T]) unique(row T) error {
	same := c.table.List(func(r T) bool {
		return r.GetName() == row.GetName() && r.GetFolderId() == row.GetFolderId() && r.GetId() != row.GetId()
	})
	if row.GetName() == "" || len(same) == 0 {
		return nil
	}
	return c.v.k.Guess("vpc/exists", fmt.Sprintf("%s%s %q", strings.ToUpper(c.noun[:1]), c.noun[1:], row.GetName()))
}

// create inserts a row and starts the operation of its making. The VPC is locked.
func (c *collection[T]) create(ctx context.Context, row T, quota string, metadata proto.Message) (*operation.Operation, error) {
	if err := c.unique(row); err != nil {
		return nil, err
	}
	if err := c.v.k.CheckQuota(quota, len(c.table.List(nil))); err != nil {
		return nil, err
	}
	if err := c.table.Insert(row, nil); err != nil {
		return nil, err
	}
	return c.begin(ctx, "Create", row, metadata, nil)
}

type updateRequest interface {
	proto.Message
	GetUpdateMask() *fieldmaskpb.FieldMask
}

// update applies an Update request to a row. settle, which may be nil, checks and
// completes the row that comes of it; rename is kernel.ApplyMask's.
func (c *collection[T]) update(ctx context.Context, id string, req updateRequest, rename map[string]string, metadata proto.Message, settle func(row T) error) (*operation.Operation, error) {
	if err := c.rules.check(req); err != nil {
		return nil, err
	}
	c.v.mu.Lock()
	defer c.v.mu.Unlock()
	row, err := c.idle(id)
	if err != nil {
		return nil, err
	}
	if err := kernel.ApplyMask(row, req, req.GetUpdateMask(), rename); err != nil {
		return nil, err
	}
	if settle != nil {
		if err := settle(row); err != nil {
			return nil, err
		}
	}
	if err := c.unique(row); err != nil {
		return nil, err
	}
	return c.change(ctx, row, metadata)
}

// change writes a row and starts the operation of its update. The VPC is locked.
func (c *collection[T]) change(ctx context.Context, row T, metadata proto.Message) (*operation.Operation, error) {
	if err := c.table.Insert(row, nil); err != nil {
		return nil, err
	}
	return c.begin(ctx, "Update", row, metadata, nil)
}

// remove starts the deletion of a row, which is there until the operation is done.
// refuse, which may be nil, objects; also removes what goes with the row.
func (c *collection[T]) remove(ctx context.Context, id string, metadata proto.Message, refuse func(row T) error, also func()) (*operation.Operation, error) {
	c.v.mu.Lock()
	defer c.v.mu.Unlock()
	row, err := c.idle(id)
	if err != nil {
		return nil, err
	}
	for _, uses := range c.v.users {
		if uses(c.ref(id)) {
			return nil, c.inUse(id)
		}
	}
	if refuse != nil {
		if err := refuse(row); err != nil {
			return nil, err
		}
	}
	return c.begin(ctx, "Delete", row, metadata, func() {
		c.table.Delete(id)
		if also != nil {
			also()
		}
	})
}

func (c *collection[T]) inUse(id string) error { return c.v.k.Guess("vpc/in-use", c.title(id)) }

// begin starts an operation. One that ends in commit (a deletion) responds Empty,
// the others respond the row.
func (c *collection[T]) begin(ctx context.Context, verb string, row T, metadata proto.Message, commit func()) (*operation.Operation, error) {
	return c.v.k.Begin(ctx, kernel.Op{
		Description: verb + " " + c.noun, Prefix: kernel.PrefixNetwork, Metadata: metadata, On: c.ref(row.GetId()), Commit: commit,
		Work: func(context.Context) (proto.Message, error) {
			if commit != nil {
				return nil, nil
			}
			return row, nil
		},
	})
}
