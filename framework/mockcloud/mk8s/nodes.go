package mk8s

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

// node is a node of a group.
type node struct {
	Name     string `json:"name"`
	Instance string `json:"instance"`
	Zone     string `json:"zone"`
	Subnet   string `json:"subnet"`
}

var errNotRunning = errors.New("the cluster does not run")

// resize adds nodes to a group, or removes the youngest, until it has its size.
func (s *Service) resize(ctx context.Context, g *pb.NodeGroup) error {
	running, ok := s.plant.get(g.ClusterId)
	if !ok {
		return errNotRunning
	}
	have, _ := s.nodes.Get(g.Id)
	for i := len(have); i < size(g); i++ {
		at := g.AllocationPolicy.Locations[i%len(g.AllocationPolicy.Locations)]
		// The default name is {instance_group.id}-{instance.short_id} (node.proto).
		n := node{Name: g.InstanceGroupId + "-" + kernel.NewID("")[:4], Instance: kernel.NewID(kernel.PrefixInstance), Zone: at.ZoneId, Subnet: at.SubnetId}
		var err error
		if n.Name, err = running.AddNode(ctx, s.nodeSpec(g, n)); err != nil {
			return err
		}
		_ = s.nodes.Change(g.Id, func(old []node) ([]node, error) { return append(slices.Clone(old), n), nil })
	}
	return s.removeNodes(ctx, g, size(g))
}

// removeNodes removes a group's youngest nodes until keep are left.
func (s *Service) removeNodes(ctx context.Context, g *pb.NodeGroup, keep int) error {
	running, ok := s.plant.get(g.ClusterId)
	if !ok {
		return nil
	}
	have, _ := s.nodes.Get(g.Id)
	for len(have) > keep {
		last := len(have) - 1
		if err := running.RemoveNode(ctx, have[last].Name); err != nil {
			return err
		}
		have = have[:last]
		s.nodes.Put(g.Id, have)
	}
	return nil
}

// nodeSpec is what the engine is asked for. Whether a node has a way out is decided
// when it is made.
func (s *Service) nodeSpec(g *pb.NodeGroup, n node) localcluster.NodeSpec {
	labels := map[string]string{
		"yandex.cloud/node-group-id":      g.Id,
		"yandex.cloud/preemptible":        strconv.FormatBool(g.NodeTemplate.GetSchedulingPolicy().GetPreemptible()),
		corev1.LabelTopologyZone:          n.Zone,
		corev1.LabelTopologyRegion:        "ru-central1",
		corev1.LabelFailureDomainBetaZone: n.Zone,
	}
	if platform := g.NodeTemplate.GetPlatformId(); platform != "" {
		labels[corev1.LabelInstanceTypeStable] = platform
	}
	maps.Copy(labels, g.NodeLabels)
	spec := localcluster.NodeSpec{Name: n.Name, Labels: labels, Metadata: s.metadata(g.Id)}
	if s.o.Egress == nil || !s.policyOf(g.ClusterId).egress {
		return spec
	}
	if out, why := s.o.VPC.NodesHaveEgress([]string{n.Subnet}, securityGroups(g), hasPublicIP(g)); out {
		spec.Egress = s.o.Egress()
	} else {
		s.k.Log.Warn("pods on a node will not reach the internet: "+why, "cluster", g.ClusterId, "node", n.Name)
	}
	return spec
}

// describeNodes tells the nodes of a group as the API server sees them.
func (s *Service) describeNodes(ctx context.Context, g *pb.NodeGroup) []*pb.Node {
	have, _ := s.nodes.Get(g.Id)
	out := make([]*pb.Node, 0, len(have))
	for _, n := range have {
		d := &pb.Node{
			Status:      pb.Node_READY,
			Spec:        &pb.Node_Spec{Resources: g.NodeTemplate.GetResourcesSpec(), Disk: g.NodeTemplate.GetBootDiskSpec()},
			CloudStatus: &pb.Node_CloudStatus{Id: n.Instance, Status: "RUNNING_ACTUAL"},
		}
		seen, err := s.lookAt(ctx, g.ClusterId, n.Name)
		switch {
		case err != nil:
			d.Status = pb.Node_NOT_CONNECTED
		case seen == nil: // on paper
			d.KubernetesStatus = &pb.Node_KubernetesStatus{Id: n.Name}
		default:
			d.KubernetesStatus = kubernetesStatus(seen)
			if !isReady(seen) {
				d.Status = pb.Node_NOT_READY
			}
		}
		out = append(out, d)
	}
	return out
}

// lookAt reads a Node object; it is nil for a cluster on paper.
func (s *Service) lookAt(ctx context.Context, clusterID, name string) (*corev1.Node, error) {
	running, ok := s.plant.get(clusterID)
	if !ok {
		return nil, errNotRunning
	}
	admin := running.Admin()
	if admin == nil {
		return nil, nil
	}
	api, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return nil, fmt.Errorf("looking at the node %s: %w", name, err)
	}
	return api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
}

func isReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func kubernetesStatus(n *corev1.Node) *pb.Node_KubernetesStatus {
	out := &pb.Node_KubernetesStatus{Id: n.Name}
	for _, c := range n.Status.Conditions {
		out.Conditions = append(out.Conditions, &pb.Condition{Type: string(c.Type), Status: string(c.Status), Message: c.Message,
			LastHeartbeatTime: timestamppb.New(c.LastHeartbeatTime.Time), LastTransitionTime: timestamppb.New(c.LastTransitionTime.Time)})
	}
	effects := map[corev1.TaintEffect]pb.Taint_Effect{corev1.TaintEffectNoSchedule: pb.Taint_NO_SCHEDULE,
		corev1.TaintEffectPreferNoSchedule: pb.Taint_PREFER_NO_SCHEDULE, corev1.TaintEffectNoExecute: pb.Taint_NO_EXECUTE}
	for _, t := range n.Spec.Taints {
		out.Taints = append(out.Taints, &pb.Taint{Key: t.Key, Value: t.Value, Effect: effects[t.Effect]})
	}
	for _, v := range n.Status.VolumesAttached {
		out.AttachedVolumes = append(out.AttachedVolumes, &pb.AttachedVolume{VolumeHandle: string(v.Name)})
	}
	return out
}
