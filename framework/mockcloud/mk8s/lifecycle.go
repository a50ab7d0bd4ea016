package mk8s

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// Create checks everything it can at once; the cluster starts while the
// operation's latency passes, and runs for others when the operation is done.
func (c clusterService) Create(ctx context.Context, req *pb.CreateClusterRequest) (*operation.Operation, error) {
	s := c.s
	row, err := s.plan(ctx, req)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.uniqueCluster(row); err != nil {
		return nil, err
	}
	if err := s.k.CheckQuota("managed-kubernetes.clusters.count", len(s.clusters.List(nil))); err != nil {
		return nil, err
	}
	if err := s.clusters.Insert(row, nil); err != nil {
		return nil, err
	}
	public := isPublic(req.MasterSpec)
	var ready *pb.Cluster
	return s.k.Begin(ctx, kernel.Op{
		Description: "Create cluster", Prefix: kernel.PrefixCluster, Slow: s.slow(),
		Metadata: &pb.CreateClusterMetadata{ClusterId: row.Id}, On: clusterRef(row.Id),
		Work: func(ctx context.Context) (proto.Message, error) {
			var issuers []string
			if row.WorkloadIdentityFederation.GetEnabled() && s.policyIn(row.FolderId).signs {
				issuers = []string{s.issuerOf(row.Id)}
			}
			if err := s.bringUp(ctx, row, issuers, public); err != nil {
				// A cluster that could not be made leaves no row: a guess.
				err = errors.Join(err, s.forget(context.WithoutCancel(ctx), row.Id))
				s.k.Log.Error("a cluster could not be started", "cluster", row.Id, "error", err)
				return nil, s.k.Guess("k8s/start-failed", row.Id)
			}
			ready = row
			return row, nil
		},
		Commit: func() {
			s.setCluster(ready.Id, func(stored *pb.Cluster) { proto.Reset(stored); proto.Merge(stored, ready) })
		},
	})
}

// bringUp starts a cluster and completes its row, which nobody else has yet.
func (s *Service) bringUp(ctx context.Context, row *pb.Cluster, issuers []string, public bool) error {
	dir := filepath.Join(s.o.Dir, row.Id)
	if s.slow() {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	running, err := s.run(ctx, row, s.specOf(row, dir, issuers))
	if err != nil {
		return err
	}
	s.issuers.Put(row.Id, issuers)
	if err := bindGroups(ctx, running.Admin()); err != nil {
		return err
	}
	if row.WorkloadIdentityFederation.GetEnabled() {
		if err := s.publish(ctx, row.Id, running); err != nil {
			return err
		}
	}
	row.Status, row.Health = pb.Cluster_RUNNING, pb.Cluster_HEALTHY
	locate(row.Master, running, public)
	row.Master.MasterAuth = &pb.MasterAuth{ClusterCaCertificate: string(running.CA())}
	return nil
}

// Delete removes a cluster with its node groups.
func (c clusterService) Delete(ctx context.Context, req *pb.DeleteClusterRequest) (*operation.Operation, error) {
	s, id := c.s, req.ClusterId
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.idle(clusterRef(id)); err != nil {
		return nil, err
	}
	for _, g := range s.groupsOf(id) {
		if err := s.idle(groupRef(g.Id)); err != nil {
			return nil, err
		}
	}
	s.mark(id, pb.Cluster_DELETING, pb.NodeGroup_DELETING)
	return s.k.Begin(ctx, kernel.Op{
		Description: "Delete cluster", Prefix: kernel.PrefixCluster, Slow: s.slow(),
		Metadata: &pb.DeleteClusterMetadata{ClusterId: id}, On: clusterRef(id),
		Work: func(ctx context.Context) (proto.Message, error) {
			if err := s.takeDown(ctx, id); err != nil {
				s.k.Log.Error("a cluster could not be deleted", "cluster", id, "error", err)
				s.mark(id, pb.Cluster_RUNNING, pb.NodeGroup_RUNNING)
				s.setCluster(id, func(row *pb.Cluster) { row.Health = pb.Cluster_UNHEALTHY })
				return nil, s.k.Guess("k8s/change-failed", id)
			}
			return nil, nil
		},
		Commit: func() { s.dropRows(id) },
	})
}

func (s *Service) mark(id string, cluster pb.Cluster_Status, group pb.NodeGroup_Status) {
	s.setCluster(id, func(row *pb.Cluster) { row.Status = cluster })
	for _, g := range s.groupsOf(id) {
		s.setGroup(g.Id, func(row *pb.NodeGroup) { row.Status = group })
	}
}

// takeDown ends a cluster's processes and removes its files and its key set.
func (s *Service) takeDown(ctx context.Context, id string) error {
	if err := s.plant.stop(ctx, id); err != nil {
		return err
	}
	err := s.unpublish(id)
	if s.slow() {
		err = errors.Join(err, os.RemoveAll(filepath.Join(s.o.Dir, id)))
	}
	return err
}

// dropRows forgets a cluster and what belongs to it.
func (s *Service) dropRows(id string) {
	for _, g := range s.groupsOf(id) {
		s.dropGroup(g.Id)
	}
	s.issuers.Delete(id)
	s.k.Bindings.Drop(clusterRef(id))
	s.clusters.Delete(id)
}

func (s *Service) forget(ctx context.Context, id string) error {
	err := s.takeDown(ctx, id)
	s.dropRows(id)
	return err
}

func (s *Service) closeAll(ctx context.Context) error {
	err := s.plant.close(ctx)
	if s.o.KeepState || !s.slow() {
		return err
	}
	for _, row := range s.clusters.List(nil) {
		err = errors.Join(err, os.RemoveAll(filepath.Join(s.o.Dir, row.Id)))
	}
	return err
}
