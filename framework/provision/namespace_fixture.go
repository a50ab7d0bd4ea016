package provision

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// Namespace makes a namespace with the tutorial's Kubernetes service account
// (KSAName) in a cluster, and returns its name, which is its id too.
func (f *Fixtures) Namespace(ctx context.Context, what string, in Cluster) (name string, err error) {
	name = strings.Join([]string{f.o.Config.NamespacePrefix, f.o.Ledger.Header().RunID, what, strings.ToLower(rand.Text()[:5])}, "-")
	return name, f.namespace(ctx, in, name, name, KSAName)
}

// NamespaceLike makes a namespace in a cluster that has the name of one in another
// cluster, and in it a Kubernetes service account of that name. It returns its id.
func (f *Fixtures) NamespaceLike(ctx context.Context, in Cluster, name, account string) (id string, err error) {
	id = in.ID + "/" + name
	return id, f.namespace(ctx, in, id, name, account)
}

func (f *Fixtures) namespace(ctx context.Context, in Cluster, id, name, account string) error {
	if f.o.Dial == nil {
		return errors.New("reaching the cluster's API: no way to was given")
	}
	k, err := f.o.Dial(ctx, kubeAccess(f.b.client, in))
	if err != nil {
		return fmt.Errorf("reaching the cluster's API: %w", err)
	}
	if err := f.b.namespace(ctx, k, stepCheck, id, name, cmp.Or(in.ID, in.Kubeconfig)); err != nil {
		return err
	}
	return k.CreateServiceAccount(ctx, name, account)
}

// namespace makes a namespace, with its lines in the ledger. cluster is the key of
// the cluster that it is in.
func (b *builder) namespace(ctx context.Context, k Kubernetes, step, id, name, cluster string) error {
	mark, err := b.ledger.Intend(Record{Step: step, Kind: KindNamespace, Name: name, Parent: cluster})
	if err != nil {
		return err
	}
	if b.made != nil {
		b.made(id)
	}
	if err := k.CreateNamespace(ctx, name, b.labels); err != nil {
		return err
	}
	return errors.Join(b.ledger.Created(mark, id, ""), b.ledger.Done(mark))
}
