package mk8s

import (
	"context"
	"slices"
	"strings"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// federationField is the field that switches workload identity federation, of
// clusters and of node groups.
const federationField = "workload_identity_federation"

// fixed are fields that a real cluster can change and this one cannot: the API
// server would have to become another one.
var (
	fixedOfCluster = []string{"network_policy", "ip_allocation_policy", "gateway_ipv4_address",
		"master_spec.locations", "master_spec.external_v6_address_spec", "master_spec.scale_policy"}
	fixedOfGroup = []string{"node_template", "allocation_policy", "version", "node_taints", "node_labels", "variables"}
)

// Update changes a cluster in place; switching workload identity federation
// restarts its API server, another version the whole cluster.
func (c clusterService) Update(ctx context.Context, req *pb.UpdateClusterRequest) (*operation.Operation, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	row, err := s.runningCluster(req.ClusterId)
	if err != nil {
		return nil, err
	}
	paths := asked(req, req.UpdateMask, "master_spec")
	if err := s.changeRow(row, req, paths); err != nil {
		return nil, err
	}
	want := req.WorkloadIdentityFederation.GetEnabled()
	has := row.WorkloadIdentityFederation.GetEnabled()
	switching := names(paths, federationField) && want != has
	// Enabling what is enabled already publishes and reports it once more.
	again := names(paths, federationField) && want && has
	if p := s.policyIn(row.FolderId); !want && !p.disables {
		switching = false
	}
	if switching && want {
		if err := s.mayFederate(row.Master.Version, row.ReleaseChannel); err != nil {
			return nil, err
		}
	}
	next, err := s.nextVersion(row, req, paths)
	if err != nil {
		return nil, err
	}
	row.Status = pb.Cluster_RECONCILING
	if err := s.clusters.Insert(row, nil); err != nil {
		return nil, err
	}
	return s.k.Begin(ctx, kernel.Op{
		Description: "Update cluster", Prefix: kernel.PrefixCluster, Slow: (switching || next != "") && s.slow(),
		Metadata: &pb.UpdateClusterMetadata{ClusterId: row.Id}, On: clusterRef(row.Id),
		Work: func(ctx context.Context) (proto.Message, error) {
			if switching {
				if err := s.federate(ctx, row.Id, want); err != nil {
					return nil, s.changeFailed(row.Id, err)
				}
				row.WorkloadIdentityFederation = &pb.WorkloadIdentityFederation{}
				if want {
					row.WorkloadIdentityFederation = s.federation(row)
				}
			}
			if again {
				if err := s.publishAgain(ctx, row.Id); err != nil {
					return nil, s.changeFailed(row.Id, err)
				}
				row.WorkloadIdentityFederation = s.federation(row)
			}
			if next != "" {
				row.Master.Version, row.Master.VersionInfo = next, &pb.VersionInfo{CurrentVersion: next}
				if err := s.restart(ctx, row, s.policyIn(row.FolderId).upgrades); err != nil {
					return nil, s.changeFailed(row.Id, err)
				}
			}
			row.Status, row.Health = pb.Cluster_RUNNING, pb.Cluster_HEALTHY
			return row, nil
		},
		Commit: func() { s.setCluster(row.Id, func(r *pb.Cluster) { proto.Reset(r); proto.Merge(r, row) }) },
	})
}

// changeRow applies what needs no other API server.
func (s *Service) changeRow(row *pb.Cluster, req *pb.UpdateClusterRequest, paths []string) error {
	for _, field := range fixedOfCluster {
		if names(paths, field) {
			return s.k.Guess("k8s/immutable", field)
		}
	}
	spec := req.MasterSpec
	if names(paths, "master_spec.security_group_ids") {
		if err := s.checkGroups(row.NetworkId, spec.GetSecurityGroupIds()); err != nil {
			return err
		}
		row.Master.SecurityGroupIds = spec.GetSecurityGroupIds()
	}
	if names(paths, "master_spec.maintenance_policy") {
		row.Master.MaintenancePolicy = spec.GetMaintenancePolicy()
	}
	if names(paths, "master_spec.master_logging") {
		row.Master.MasterLogging = spec.GetMasterLogging()
	}
	if err := kernel.ApplyMask(row, req, req.UpdateMask, map[string]string{federationField: "", "master_spec": ""}); err != nil {
		return err
	}
	return s.uniqueCluster(row)
}

// federate makes a cluster's API server sign as the public issuer, or as itself
// again. The other issuer stays accepted: pods keep the tokens they have until
// those are refreshed.
func (s *Service) federate(ctx context.Context, id string, on bool) error {
	running, ok := s.plant.get(id)
	if !ok {
		return errNotRunning
	}
	if on && !s.policyOf(id).enables {
		return s.publish(ctx, id, running)
	}
	issuers := []string{defaultIssuer, s.issuerOf(id)}
	if on {
		slices.Reverse(issuers)
	}
	if err := running.SetIssuers(ctx, issuers); err != nil {
		return err
	}
	s.issuers.Put(id, issuers)
	if !on {
		return s.unpublish(id)
	}
	return s.publish(ctx, id, running)
}

// runningCluster is a cluster that runs and on which no operation works.
func (s *Service) runningCluster(id string) (*pb.Cluster, error) {
	row, err := s.cluster(id)
	if err != nil {
		return nil, err
	}
	if err := s.idle(clusterRef(id)); err != nil {
		return nil, err
	}
	if row.Status != pb.Cluster_RUNNING {
		return nil, s.k.Guess("k8s/not-running", id)
	}
	return row, nil
}

// asked lists the fields that an update is about: those of its mask, or without one
// those that are set. The fields of the message nested are told one by one.
func asked(req proto.Message, mask *fieldmaskpb.FieldMask, nested string) []string {
	set := func(m protoreflect.Message, prefix string) (out []string) {
		m.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			out = append(out, prefix+string(f.Name()))
			return true
		})
		return out
	}
	paths := slices.Clone(mask.GetPaths())
	if len(paths) == 0 {
		paths = set(req.ProtoReflect(), "")
	}
	if slices.Contains(paths, nested) {
		f := req.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(nested))
		paths = append(paths, set(req.ProtoReflect().Get(f).Message(), nested+".")...)
	}
	return paths
}

// names says whether a path is field or lies in it.
func names(paths []string, field string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return p == field || strings.HasPrefix(p, field+".") })
}
