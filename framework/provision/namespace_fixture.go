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
	if f.o.Dial == nil {
		return "", errors.New("reaching the cluster's API: no way to was given")
	}
	k, err := f.o.Dial(ctx, kubeAccess(f.b.client, in))
	if err != nil {
		return "", fmt.Errorf("reaching the cluster's API: %w", err)
	}
	name = strings.Join([]string{f.o.Config.NamespacePrefix, f.o.Ledger.Header().RunID, what, strings.ToLower(rand.Text()[:5])}, "-")
	if err := f.b.namespace(ctx, k, stepCheck, name, cmp.Or(in.ID, in.Kubeconfig)); err != nil {
		return "", err
	}
	return name, k.CreateServiceAccount(ctx, name, KSAName)
}

// namespace makes a namespace, with its lines in the ledger. cluster is the key of
// the cluster that it is in.
func (b *builder) namespace(ctx context.Context, k Kubernetes, step, name, cluster string) error {
	mark, err := b.ledger.Intend(Record{Step: step, Kind: KindNamespace, Name: name, Parent: cluster})
	if err != nil {
		return err
	}
	if b.made != nil {
		b.made(name)
	}
	if err := k.CreateNamespace(ctx, name, b.labels); err != nil {
		return err
	}
	return errors.Join(b.ledger.Created(mark, name, ""), b.ledger.Done(mark))
}
