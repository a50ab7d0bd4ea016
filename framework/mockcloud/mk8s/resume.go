package mk8s

import (
	"context"
	"errors"
	"fmt"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/protobuf/proto"
)

// Resume brings the clusters of a former process back, from the state and their
// folders. What that process was in the middle of making or deleting is removed:
// its operations have failed. A cluster that does not start again stays, UNHEALTHY,
// and is told in the error.
func (s *Service) Resume(ctx context.Context) error {
	var errs []error
	for _, row := range s.clusters.List(nil) {
		if err := s.resumeCluster(ctx, row); err != nil {
			errs = append(errs, fmt.Errorf("resuming the cluster %s: %w", row.Id, err))
			s.setCluster(row.Id, func(r *pb.Cluster) { r.Health = pb.Cluster_UNHEALTHY })
		}
	}
	return errors.Join(errs...)
}

func (s *Service) resumeCluster(ctx context.Context, row *pb.Cluster) error {
	if row.Status == pb.Cluster_PROVISIONING || row.Status == pb.Cluster_DELETING {
		return s.forget(ctx, row.Id)
	}
	issuers, _ := s.issuers.Get(row.Id)
	// The API server's issuers are what is true: an update may have been cut short.
	if len(issuers) > 0 && issuers[0] == s.issuerOf(row.Id) {
		row.WorkloadIdentityFederation = s.federation(row)
	} else if row.WorkloadIdentityFederation != nil {
		row.WorkloadIdentityFederation = &pb.WorkloadIdentityFederation{}
	}
	public := row.Master.Endpoints.GetExternalV4Endpoint() != ""
	if err := s.bringUp(ctx, row, issuers, public); err != nil {
		return err
	}
	s.setCluster(row.Id, func(r *pb.Cluster) { proto.Reset(r); proto.Merge(r, row) })
	var errs []error
	for _, g := range s.groupsOf(row.Id) {
		errs = append(errs, s.resumeGroup(ctx, g))
	}
	return errors.Join(errs...)
}

// resumeGroup starts a group's nodes again.
func (s *Service) resumeGroup(ctx context.Context, g *pb.NodeGroup) error {
	running, ok := s.plant.get(g.ClusterId)
	if !ok {
		return errNotRunning
	}
	have, _ := s.nodes.Get(g.Id)
	for i, n := range have {
		name, err := running.AddNode(ctx, s.nodeSpec(g, n))
		if err != nil {
			return err
		}
		have[i].Name = name
	}
	s.nodes.Put(g.Id, have)
	if g.Status != pb.NodeGroup_PROVISIONING && g.Status != pb.NodeGroup_DELETING {
		s.setGroup(g.Id, func(r *pb.NodeGroup) { r.Status = pb.NodeGroup_RUNNING })
		return nil
	}
	err := s.removeNodes(ctx, g, 0)
	s.dropGroup(g.Id)
	return err
}
