package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
)

// bind adds roles of a service account on the folder.
func (b *builder) bind(ctx context.Context, step, account string, roles []string, report func(string)) error {
	doing := fmt.Sprintf("granting %s to service account %s on folder %s", strings.Join(roles, ", "), account, b.folder)
	var marks []Mark
	for _, role := range roles {
		mark, err := b.ledger.Intend(Record{Step: step, Kind: KindAccessBinding, Name: role, FolderID: b.folder, Parent: account})
		if err != nil {
			return err
		}
		marks = append(marks, mark)
	}
	err := rebind(ctx, b.client, b.folder, access.AccessBindingAction_ADD, account, roles, report)
	for i, mark := range marks {
		if b.made != nil && err == nil {
			b.made(bindingID(roles[i], account)) //nolint:gosec // G602: there is a mark for each role
		}
		if err != nil {
			err = errors.Join(err, b.refused(mark, err))
			continue
		}
		err = errors.Join(b.ledger.Created(mark, bindingID(roles[i], account), ""), b.ledger.Done(mark)) //nolint:gosec // G602: there is a mark for each role
	}
	return cloud.While(err, doing)
}

// bindingID is how ledgers and lists name a role of an account: bindings have no id.
func bindingID(role, account string) string { return role + ":" + account }

// rebind changes bindings and waits. A lost race can end the operation instead of
// the call; repeating that needs a new idempotency key, or the same failed
// operation would be the answer again.
func rebind(ctx context.Context, c *cloud.Client, folder string, action access.AccessBindingAction, account string, roles []string, report func(string)) error {
	backoff := conflictBackoff
	for attempt := 1; ; attempt++ {
		op, err := call(cloud.WithIdempotencyKey(ctx, cloud.NewIdempotencyKey()), func(ctx context.Context) (*operation.Operation, error) {
			return changeBindings(ctx, c, folder, action, account, roles...)
		})
		if err == nil {
			err = c.Wait(ctx, methodBindings, op, nil, saying(report))
		}
		if err == nil || !conflict(err) || attempt == conflictAttempts || !pause(ctx, backoff) {
			return err
		}
		backoff *= 2
	}
}
