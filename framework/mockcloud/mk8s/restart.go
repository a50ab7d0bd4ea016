package mk8s

import (
	"context"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// Stop ends a cluster with its nodes; its data stays for Start.
func (c clusterService) Stop(ctx context.Context, req *pb.StopClusterRequest) (*operation.Operation, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	row, err := s.runningCluster(req.ClusterId)
	if err != nil {
		return nil, err
	}
	if err := s.mayRestart("the state of a cluster"); err != nil {
		return nil, err
	}
	s.mark(row.Id, pb.Cluster_STOPPING, pb.NodeGroup_STOPPING)
	return s.k.Begin(ctx, kernel.Op{
		Description: "Stop cluster", Prefix: kernel.PrefixCluster, Slow: s.slow(),
		Metadata: &pb.StopClusterMetadata{ClusterId: row.Id}, On: clusterRef(row.Id),
		Work: func(ctx context.Context) (proto.Message, error) {
			if err := s.plant.stop(ctx, row.Id); err != nil {
				return nil, s.changeFailed(row.Id, err)
			}
			row.Status = pb.Cluster_STOPPED
			return row, nil
		},
		Commit: func() { s.mark(row.Id, pb.Cluster_STOPPED, pb.NodeGroup_STOPPED) },
	})
}

// Start runs a stopped cluster again.
func (c clusterService) Start(ctx context.Context, req *pb.StartClusterRequest) (*operation.Operation, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	row, err := s.cluster(req.ClusterId)
	if err != nil {
		return nil, err
	}
	if err := s.idle(clusterRef(row.Id)); err != nil {
		return nil, err
	}
	if row.Status != pb.Cluster_STOPPED {
		return nil, s.k.Guess("k8s/not-stopped", row.Id)
	}
	s.mark(row.Id, pb.Cluster_STARTING, pb.NodeGroup_STARTING)
	return s.k.Begin(ctx, kernel.Op{
		Description: "Start cluster", Prefix: kernel.PrefixCluster, Slow: s.slow(),
		Metadata: &pb.StartClusterMetadata{ClusterId: row.Id}, On: clusterRef(row.Id),
		Work: func(ctx context.Context) (proto.Message, error) {
			if err := s.restart(ctx, row, s.policyIn(row.FolderId).restarts); err != nil {
				return nil, s.changeFailed(row.Id, err)
			}
			return row, nil
		},
		Commit: func() { s.setCluster(row.Id, func(r *pb.Cluster) { proto.Reset(r); proto.Merge(r, row) }) },
	})
}

// mayRestart refuses what needs an engine whose clusters outlive their end.
func (s *Service) mayRestart(what string) error {
	if s.plant.engine.Resumes() {
		return nil
	}
	return s.k.Guess("k8s/immutable", what)
}

// restart ends a cluster, if it runs, and starts it as its row now describes it: with
// the keys and data that it had, and with its issuer if it keeps that.
func (s *Service) restart(ctx context.Context, row *pb.Cluster, keeps bool) error {
	if err := s.plant.stop(ctx, row.Id); err != nil {
		return err
	}
	issuers, _ := s.issuers.Get(row.Id)
	if !keeps {
		issuers = nil
	}
	if err := s.bringUp(ctx, row, issuers, row.Master.Endpoints.GetExternalV4Endpoint() != ""); err != nil {
		return err
	}
	for _, g := range s.groupsOf(row.Id) {
		if err := s.resumeGroup(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// changeFailed is the answer of an operation whose work failed.
func (s *Service) changeFailed(id string, err error) error {
	s.k.Log.Error("a cluster could not be changed", "cluster", id, "error", err)
	s.setCluster(id, func(r *pb.Cluster) { r.Status, r.Health = pb.Cluster_RUNNING, pb.Cluster_UNHEALTHY })
	return s.k.Guess("k8s/change-failed", id)
}

// nextVersion is the version that an update asks for, which must be offered and the
// minor that follows: Kubernetes skips none (version skew policy). Empty: the
// version stays.
func (s *Service) nextVersion(row *pb.Cluster, req *pb.UpdateClusterRequest, paths []string) (string, error) {
	const field = "master_spec.version"
	want := req.MasterSpec.GetVersion().GetVersion()
	switch {
	case !names(paths, field), want == row.Master.Version:
		return "", nil
	case want == "": // the latest revision of the present version
		return "", s.k.Guess("k8s/immutable", field)
	}
	if minor(want) != minor(row.Master.Version)+1 {
		return "", s.k.Guess("k8s/version-not-available", want)
	}
	if _, err := s.pickVersion(want, row.ReleaseChannel, row.WorkloadIdentityFederation.GetEnabled()); err != nil {
		return "", err
	}
	return want, s.mayRestart("the version of a cluster")
}
