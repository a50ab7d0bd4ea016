package mk8s

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

const kindInstance = "compute.instance"

// instanceService is the little of Compute that concerns nodes: each is an instance,
// and there are no others.
type instanceService struct {
	compute.UnimplementedInstanceServiceServer
	s *Service
}

// instanceRules: whose node an instance is hangs on the state.
func instanceRules() map[string]kernel.Rule {
	return map[string]kernel.Rule{"Get": kernel.AnyCaller(), "Restart": kernel.AnyCaller()}
}

// find is the node that is an instance, and its group, if the caller has a permission
// for it.
func (i instanceService) find(ctx context.Context, id, permission string) (*pb.NodeGroup, node, error) {
	for _, group := range i.s.groups.List(nil) {
		have, _ := i.s.nodes.Get(group.Id)
		for _, n := range have {
			if n.Instance != id {
				continue
			}
			if on := groupRef(group.Id); !i.s.k.Allowed(ctx, permission, on) {
				return nil, node{}, i.s.k.Denied(access.Need{Permission: permission, On: on})
			}
			return group, n, nil
		}
	}
	return nil, node{}, i.s.k.NotFound(kindInstance, id)
}

func (i instanceService) Get(ctx context.Context, req *compute.GetInstanceRequest) (*compute.Instance, error) {
	group, n, err := i.find(ctx, req.InstanceId, "compute.instances.get")
	if err != nil {
		return nil, err
	}
	cluster, err := i.s.cluster(group.ClusterId)
	if err != nil {
		return nil, err
	}
	return &compute.Instance{Id: n.Instance, FolderId: cluster.FolderId, CreatedAt: group.CreatedAt, Name: n.Name, ZoneId: n.Zone,
		PlatformId: group.NodeTemplate.GetPlatformId(), Status: compute.Instance_RUNNING}, nil
}

// Restart reboots a node.
func (i instanceService) Restart(ctx context.Context, req *compute.RestartInstanceRequest) (*operation.Operation, error) {
	s := i.s
	s.mu.Lock()
	defer s.mu.Unlock()
	group, n, err := i.find(ctx, req.InstanceId, "compute.instances.restart")
	if err != nil {
		return nil, err
	}
	if err := s.idle(groupRef(group.Id)); err != nil {
		return nil, err
	}
	running, ok := s.plant.get(group.ClusterId)
	if !ok {
		return nil, s.k.Guess("k8s/not-running", group.ClusterId)
	}
	return s.k.Begin(ctx, kernel.Op{
		Description: "Restart instance", Prefix: kernel.PrefixInstance, Slow: s.slow(),
		Metadata: &compute.RestartInstanceMetadata{InstanceId: n.Instance}, On: groupRef(group.Id),
		Work: func(ctx context.Context) (proto.Message, error) {
			if cause := running.RestartNode(ctx, n.Name); cause != nil {
				s.k.Log.Error("a node could not be restarted", "node", n.Name, "error", cause)
				return nil, s.k.Guess("compute/restart-failed", n.Instance, cause)
			}
			return nil, nil
		},
	})
}
