package mk8s

import (
	"context"
	"fmt"
	"slices"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/vpc"
)

// unimplementedCluster lies one level deeper than AccessAPI, whose methods go before its own.
type unimplementedCluster struct {
	pb.UnimplementedClusterServiceServer
}

type clusterService struct {
	unimplementedCluster
	kernel.AccessAPI
	s *Service
}

func (s *Service) access() kernel.AccessAPI {
	return kernel.AccessAPI{K: s.k, Kind: KindCluster, Prefix: kernel.PrefixCluster}
}

// clusterRules: the documentation demands of the caller k8s.editor and
// iam.serviceAccounts.user ("Access management in Managed Service for Kubernetes").
// What a public address needs hangs on more than one field: see plan.
func (s *Service) clusterRules() map[string]kernel.Rule {
	return s.access().Rules("managed-kubernetes.clusters", map[string]kernel.Rule{
		"Get":  kernel.Needs("managed-kubernetes.clusters.get", KindCluster, "cluster_id"),
		"List": kernel.Needs("managed-kubernetes.clusters.list", kindFolder, "folder_id"),
		"Create": kernel.Needs("managed-kubernetes.clusters.create", kindFolder, "folder_id").
			And("iam.serviceAccounts.use", kindServiceAccount, "service_account_id").
			And("iam.serviceAccounts.use", kindServiceAccount, "node_service_account_id"),
		"Update": kernel.Needs("managed-kubernetes.clusters.update", KindCluster, "cluster_id").
			AndIfSet("iam.serviceAccounts.use", kindServiceAccount, "service_account_id").
			AndIfSet("iam.serviceAccounts.use", kindServiceAccount, "node_service_account_id"),
		"Delete":         kernel.Needs("managed-kubernetes.clusters.delete", KindCluster, "cluster_id"),
		"Stop":           kernel.Needs("managed-kubernetes.clusters.update", KindCluster, "cluster_id"),
		"Start":          kernel.Needs("managed-kubernetes.clusters.update", KindCluster, "cluster_id"),
		"ListNodeGroups": kernel.Needs("managed-kubernetes.nodeGroups.list", KindCluster, "cluster_id"),
		"ListNodes":      kernel.Needs("managed-kubernetes.clusters.get", KindCluster, "cluster_id"),
		"ListOperations": kernel.Needs("managed-kubernetes.clusters.get", KindCluster, "cluster_id"),
	})
}

func (c clusterService) Get(_ context.Context, req *pb.GetClusterRequest) (*pb.Cluster, error) {
	return c.s.cluster(req.ClusterId)
}

func (c clusterService) List(_ context.Context, req *pb.ListClustersRequest) (*pb.ListClustersResponse, error) {
	rows, err := kernel.Filter(c.s.clusters.List(func(r *pb.Cluster) bool { return r.FolderId == req.FolderId }), req.Filter)
	if err != nil {
		return nil, err
	}
	rows, next, err := kernel.Page(rows, req, (*pb.Cluster).GetId)
	return &pb.ListClustersResponse{Clusters: rows, NextPageToken: next}, err
}

func (c clusterService) ListNodeGroups(_ context.Context, req *pb.ListClusterNodeGroupsRequest) (*pb.ListClusterNodeGroupsResponse, error) {
	rows, err := kernel.Filter(c.s.groupsOf(req.ClusterId), req.Filter)
	if err != nil {
		return nil, err
	}
	rows, next, err := kernel.Page(rows, req, (*pb.NodeGroup).GetId)
	return &pb.ListClusterNodeGroupsResponse{NodeGroups: rows, NextPageToken: next}, err
}

func (c clusterService) ListNodes(ctx context.Context, req *pb.ListClusterNodesRequest) (*pb.ListClusterNodesResponse, error) {
	var all []*pb.Node
	for _, g := range c.s.groupsOf(req.ClusterId) {
		all = append(all, c.s.describeNodes(ctx, g)...)
	}
	rows, next, err := kernel.Page(all, req, func(n *pb.Node) string { return n.CloudStatus.Id })
	return &pb.ListClusterNodesResponse{Nodes: rows, NextPageToken: next}, err
}

func (c clusterService) ListOperations(_ context.Context, req *pb.ListClusterOperationsRequest) (*pb.ListClusterOperationsResponse, error) {
	ops, next, err := c.s.k.OperationsOn(clusterRef(req.ClusterId), req)
	return &pb.ListClusterOperationsResponse{Operations: ops, NextPageToken: next}, err
}

// uniqueCluster refuses a name that another cluster of the folder has.
func (s *Service) uniqueCluster(row *pb.Cluster) error {
	same := s.clusters.List(func(r *pb.Cluster) bool { return r.Name == row.Name && r.FolderId == row.FolderId && r.Id != row.Id })
	if row.Name == "" || len(same) == 0 {
		return nil
	}
	return s.k.Guess("k8s/exists", fmt.Sprintf("Cluster %q", row.Name))
}

// uses says whether a cluster or a node group uses a resource of the VPC.
func (s *Service) uses(ref state.Ref) bool {
	clusters := s.clusters.List(func(c *pb.Cluster) bool {
		switch ref.Type {
		case vpc.KindNetwork:
			return c.NetworkId == ref.ID
		case vpc.KindSubnet:
			return slices.ContainsFunc(c.Master.GetLocations(), func(l *pb.Location) bool { return l.SubnetId == ref.ID })
		case vpc.KindSecurityGroup:
			return slices.Contains(c.Master.GetSecurityGroupIds(), ref.ID)
		}
		return false
	})
	groups := s.groups.List(func(g *pb.NodeGroup) bool {
		switch ref.Type {
		case vpc.KindSubnet:
			return slices.ContainsFunc(g.AllocationPolicy.GetLocations(), func(l *pb.NodeGroupLocation) bool { return l.SubnetId == ref.ID })
		case vpc.KindSecurityGroup:
			return slices.Contains(securityGroups(g), ref.ID)
		}
		return false
	})
	return len(clusters)+len(groups) > 0
}
