package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// killClusters are the clusters of the runs that do not make their own. To make one
// takes more than a whole run on one that is there.
type killClusters struct {
	client *cloud.Client
	ledger *provision.Ledger
	// cluster is what most runs share, and other what all have for their other cluster.
	cluster, other provision.Cluster

	lending lending
}

// lending is which clusters are lent to one run at a time.
type lending struct {
	mu sync.Mutex
	// idle are those that nobody has now.
	idle []lentCluster
	made int
	// borrowers is how many runs are still to borrow one.
	borrowers int
}

// take is an idle cluster; without one it is the name of a new one.
func (l *lending) take() (lentCluster, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.borrowers--
	if last := len(l.idle) - 1; last >= 0 {
		c := l.idle[last]
		l.idle = l.idle[:last]
		return c, ""
	}
	l.made++
	return lentCluster{}, fmt.Sprintf("lent-%d", l.made)
}

// giveBack lets another run have the cluster. When no other will ask for one it is which
// are to be deleted: a cluster works even while nobody uses it.
func (l *lending) giveBack(c lentCluster) (spare []lentCluster) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, c)
	if l.borrowers <= 0 {
		spare, l.idle = l.idle, nil
	}
	return spare
}

// lentCluster is in a folder of its own, where bugs act on it.
type lentCluster struct {
	provision.Cluster
	folder string
	by     *provision.Fixtures
}

func onExisting(c provision.Cluster) []string {
	return []string{"--cluster=existing", "--cluster-id=" + c.ID}
}

// makeClusters makes those that all runs share.
func (k *killer) makeClusters(ctx context.Context) (err error) {
	if k.client, err = connect(ctx, k.cfg, ""); err != nil {
		return err
	}
	header := provision.Header{RunID: provision.NewRunID(), Owner: owner(), FolderID: k.cfg.FolderID, Started: time.Now()}
	if k.ledger, err = provision.CreateLedger(k.mock.dir, header); err != nil {
		return err
	}
	var both errgroup.Group
	both.Go(func() (err error) {
		k.cluster, err = k.fixtures(k.cfg.FolderID).Cluster(ctx, "shared", provision.ClusterSpec{Nodes: true})
		return err
	})
	if !k.outages {
		both.Go(func() (err error) {
			k.other, err = k.fixtures(k.cfg.FolderID).Cluster(ctx, "other", provision.ClusterSpec{})
			return err
		})
	}
	return both.Wait()
}

// fixtures make what they are asked for in a folder.
func (k *killer) fixtures(folder string) *provision.Fixtures {
	cfg := *k.cfg
	cfg.FolderID = folder
	return provision.NewFixtures(provision.Options{Config: &cfg, Client: k.client, Ledger: k.ledger}, nil)
}

// closeClusters leaves the clusters themselves to the end of the mock.
func (k *killer) closeClusters(ctx context.Context) (err error) {
	if k.client != nil {
		err = k.client.Close(ctx)
	}
	if k.ledger != nil {
		err = errors.Join(err, k.ledger.Close())
	}
	return err
}

// borrows says whether a bug's run borrows a cluster.
func borrows(b bugs.Bug) bool { return b.OwnCluster && !b.FromBirth }

// borrow gets a cluster that no other run has at the time, with a bug that acts on it.
func (k *killer) borrow(ctx context.Context, b bugs.Bug) (lentCluster, error) {
	c, err := k.take(ctx)
	if err != nil {
		return c, err
	}
	if err := k.mock.setBugs(ctx, c.folder, b.Name); err != nil {
		return c, err
	}
	// What a cluster reports and publishes changes with the next update.
	const method = "yandex.cloud.k8s.v1.ClusterService/Update"
	op, err := k.client.Clusters().Update(ctx, &k8s.UpdateClusterRequest{ClusterId: c.ID,
		WorkloadIdentityFederation: &k8s.WorkloadIdentityFederationSpec{Enabled: true},
		UpdateMask:                 &fieldmaskpb.FieldMask{Paths: []string{"workload_identity_federation.enabled"}}})
	if err == nil {
		err = k.client.Wait(ctx, method, op, nil, nil)
	}
	return c, cloud.While(err, fmt.Sprintf("giving cluster %s the bug %s", c.ID, b.Name))
}

// take is an idle cluster, or a new one.
func (k *killer) take(ctx context.Context) (lentCluster, error) {
	c, name := k.lending.take()
	if name == "" {
		return c, nil
	}
	folder, err := k.mock.addFolder(ctx, name)
	if err != nil {
		return lentCluster{}, err
	}
	by := k.fixtures(folder)
	made, err := by.Cluster(ctx, name, provision.ClusterSpec{Nodes: true})
	return lentCluster{Cluster: made, folder: folder, by: by}, err
}

// giveBack ends the bug, lets another run have the cluster, and deletes those that no
// other will ask for.
func (k *killer) giveBack(ctx context.Context, c lentCluster) error {
	err := k.mock.setBugs(ctx, c.folder)
	for _, spare := range k.lending.giveBack(c) {
		err = errors.Join(err, spare.by.Delete(ctx, spare.ID))
	}
	return err
}
