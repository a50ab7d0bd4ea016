package mk8s

import (
	"context"
	"fmt"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

type nodeGroupService struct {
	pb.UnimplementedNodeGroupServiceServer
	s *Service
}

func nodeGroupRules() map[string]kernel.Rule {
	return map[string]kernel.Rule{
		"Get":            kernel.Needs("managed-kubernetes.nodeGroups.get", KindNodeGroup, "node_group_id"),
		"List":           kernel.Needs("managed-kubernetes.nodeGroups.list", kindFolder, "folder_id"),
		"ListNodes":      kernel.Needs("managed-kubernetes.nodeGroups.get", KindNodeGroup, "node_group_id"),
		"Create":         kernel.Needs("managed-kubernetes.nodeGroups.create", KindCluster, "cluster_id"),
		"Update":         kernel.Needs("managed-kubernetes.nodeGroups.update", KindNodeGroup, "node_group_id"),
		"Delete":         kernel.Needs("managed-kubernetes.nodeGroups.delete", KindNodeGroup, "node_group_id"),
		"ListOperations": kernel.Needs("managed-kubernetes.nodeGroups.get", KindNodeGroup, "node_group_id"),
	}
}

func (g nodeGroupService) Get(_ context.Context, req *pb.GetNodeGroupRequest) (*pb.NodeGroup, error) {
	row, ok := g.s.groups.Get(req.NodeGroupId)
	if !ok {
		return nil, g.s.k.NotFound(KindNodeGroup, req.NodeGroupId)
	}
	return row, nil
}

// List lists the node groups of all clusters of a folder.
func (g nodeGroupService) List(_ context.Context, req *pb.ListNodeGroupsRequest) (*pb.ListNodeGroupsResponse, error) {
	var rows []*pb.NodeGroup
	for _, c := range g.s.clusters.List(func(c *pb.Cluster) bool { return c.FolderId == req.FolderId }) {
		rows = append(rows, g.s.groupsOf(c.Id)...)
	}
	rows, err := kernel.Filter(rows, req.Filter)
	if err != nil {
		return nil, err
	}
	rows, next, err := kernel.Page(rows, req, (*pb.NodeGroup).GetId)
	return &pb.ListNodeGroupsResponse{NodeGroups: rows, NextPageToken: next}, err
}

func (g nodeGroupService) ListNodes(ctx context.Context, req *pb.ListNodeGroupNodesRequest) (*pb.ListNodeGroupNodesResponse, error) {
	row, err := g.Get(ctx, &pb.GetNodeGroupRequest{NodeGroupId: req.NodeGroupId})
	if err != nil {
		return nil, err
	}
	rows, next, err := kernel.Page(g.s.describeNodes(ctx, row), req, func(n *pb.Node) string { return n.CloudStatus.Id })
	return &pb.ListNodeGroupNodesResponse{Nodes: rows, NextPageToken: next}, err
}

func (g nodeGroupService) ListOperations(_ context.Context, req *pb.ListNodeGroupOperationsRequest) (*pb.ListNodeGroupOperationsResponse, error) {
	ops, next, err := g.s.k.OperationsOn(groupRef(req.NodeGroupId), req)
	return &pb.ListNodeGroupOperationsResponse{Operations: ops, NextPageToken: next}, err
}

func (g nodeGroupService) Create(ctx context.Context, req *pb.CreateNodeGroupRequest) (*operation.Operation, error) {
	s := g.s
	s.mu.Lock()
	defer s.mu.Unlock()
	cluster, err := s.runningCluster(req.ClusterId)
	if err != nil {
		return nil, err
	}
	row, err := s.planGroup(ctx, cluster, req)
	if err != nil {
		return nil, err
	}
	if err := s.groups.Insert(row, nil); err != nil {
		return nil, err
	}
	return s.k.Begin(ctx, kernel.Op{
		Description: "Create node group", Prefix: kernel.PrefixCluster, Slow: s.slow(),
		Metadata: &pb.CreateNodeGroupMetadata{NodeGroupId: row.Id}, On: groupRef(row.Id),
		Work: func(ctx context.Context) (proto.Message, error) {
			if cause := s.resize(ctx, row); cause != nil {
				s.k.Log.Error("nodes could not be started", "node group", row.Id, "error", cause)
				if err := s.removeNodes(context.WithoutCancel(ctx), row, 0); err != nil {
					s.k.Log.Error("nodes could not be removed", "node group", row.Id, "error", err)
				}
				s.dropGroup(row.Id)
				return nil, s.k.Guess("k8s/node-failed", row.Id, cause)
			}
			row.Status = pb.NodeGroup_RUNNING
			return row, nil
		},
		Commit: func() { s.setGroup(row.Id, func(r *pb.NodeGroup) { r.Status = pb.NodeGroup_RUNNING }) },
	})
}

// Update changes a node group in place. The metadata address of its nodes looks at
// each request whether workload identity federation is enabled.
func (g nodeGroupService) Update(ctx context.Context, req *pb.UpdateNodeGroupRequest) (*operation.Operation, error) {
	s := g.s
	s.mu.Lock()
	defer s.mu.Unlock()
	row, err := g.Get(ctx, &pb.GetNodeGroupRequest{NodeGroupId: req.NodeGroupId})
	if err != nil {
		return nil, err
	}
	if err := s.idle(groupRef(row.Id)); err != nil {
		return nil, err
	}
	cluster, err := s.runningCluster(row.ClusterId)
	if err != nil {
		return nil, err
	}
	paths := asked(req, req.UpdateMask, "")
	for _, field := range fixedOfGroup {
		if names(paths, field) {
			return nil, s.k.Guess("k8s/immutable", field)
		}
	}
	if names(paths, federationField) {
		if err := s.groupMayFederate(cluster, req.WorkloadIdentityFederation.GetEnabled()); err != nil {
			return nil, err
		}
	}
	before := proto.CloneOf(row)
	if err := kernel.ApplyMask(row, req, req.UpdateMask, nil); err != nil {
		return nil, err
	}
	if !s.policyIn(cluster.FolderId).groupFlag {
		row.WorkloadIdentityFederation = nil
	}
	if err := s.uniqueGroup(row); err != nil {
		return nil, err
	}
	s.setGroup(row.Id, func(r *pb.NodeGroup) { r.Status = pb.NodeGroup_RECONCILING })
	return s.k.Begin(ctx, kernel.Op{
		Description: "Update node group", Prefix: kernel.PrefixCluster, Slow: s.slow() && size(row) != size(before),
		Metadata: &pb.UpdateNodeGroupMetadata{NodeGroupId: row.Id}, On: groupRef(row.Id),
		Work: func(ctx context.Context) (proto.Message, error) {
			if cause := s.resize(ctx, row); cause != nil {
				s.k.Log.Error("a node group could not be resized", "node group", row.Id, "error", cause)
				s.setGroup(row.Id, func(r *pb.NodeGroup) { r.Status = pb.NodeGroup_RUNNING })
				return nil, s.k.Guess("k8s/node-failed", row.Id, cause)
			}
			row.Status = pb.NodeGroup_RUNNING
			return row, nil
		},
		Commit: func() { s.setGroup(row.Id, func(r *pb.NodeGroup) { proto.Reset(r); proto.Merge(r, row) }) },
	})
}

func (g nodeGroupService) Delete(ctx context.Context, req *pb.DeleteNodeGroupRequest) (*operation.Operation, error) {
	s := g.s
	s.mu.Lock()
	defer s.mu.Unlock()
	row, err := g.Get(ctx, &pb.GetNodeGroupRequest{NodeGroupId: req.NodeGroupId})
	if err != nil {
		return nil, err
	}
	for _, ref := range []state.Ref{groupRef(row.Id), clusterRef(row.ClusterId)} {
		if err := s.idle(ref); err != nil {
			return nil, err
		}
	}
	s.setGroup(row.Id, func(r *pb.NodeGroup) { r.Status = pb.NodeGroup_DELETING })
	return s.k.Begin(ctx, kernel.Op{
		Description: "Delete node group", Prefix: kernel.PrefixCluster, Slow: s.slow(),
		Metadata: &pb.DeleteNodeGroupMetadata{NodeGroupId: row.Id}, On: groupRef(row.Id),
		Work: func(ctx context.Context) (proto.Message, error) {
			if err := s.removeNodes(ctx, row, 0); err != nil {
				s.k.Log.Error("nodes could not be removed", "node group", row.Id, "error", err)
				s.setGroup(row.Id, func(r *pb.NodeGroup) { r.Status = pb.NodeGroup_RUNNING })
				return nil, s.k.Guess("k8s/change-failed", row.ClusterId)
			}
			return nil, nil
		},
		Commit: func() { s.dropGroup(row.Id) },
	})
}

func (s *Service) dropGroup(id string) {
	s.nodes.Delete(id)
	s.groups.Delete(id)
}

// uniqueGroup refuses a name that another node group of the cluster has; that the
// cluster is its scope is a guess.
func (s *Service) uniqueGroup(row *pb.NodeGroup) error {
	for _, g := range s.groupsOf(row.ClusterId) {
		if row.Name != "" && g.Name == row.Name && g.Id != row.Id {
			return s.k.Guess("k8s/exists", fmt.Sprintf("Node group %q", row.Name))
		}
	}
	return nil
}
