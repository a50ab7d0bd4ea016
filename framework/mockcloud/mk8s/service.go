package mk8s

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/vpc"
)

// The kinds of resources, which are also the names of their tables.
const (
	KindCluster   = "managed-kubernetes.cluster"
	KindNodeGroup = "managed-kubernetes.nodeGroup"

	kindFolder         = "resource-manager.folder"
	kindServiceAccount = "iam.serviceAccount"
)

// Options of the service. All are needed but Engine, WebhookURL and Egress.
type Options struct {
	Kernel *kernel.Kernel
	VPC    *vpc.VPC
	// Publisher serves the clusters' key sets.
	Publisher kernel.Publisher
	// Authenticator finds who holds an IAM token.
	Authenticator kernel.Authenticator
	// Engine runs the clusters; nil makes them exist on paper only.
	Engine localcluster.Engine
	// Dir (absolute) holds a folder for each cluster.
	Dir string
	// WebhookURL is where Webhook answers for a cluster; nil leaves API servers
	// without it, and then they accept no IAM tokens. WebhookCA (PEM) verifies it.
	WebhookURL func(clusterID string) string
	WebhookCA  []byte
	// Egress is what nodes that have a way out reach.
	Egress func() *localcluster.Egress
	// Exchange gives an IAM token for a pod's token, as the token endpoint does, or the
	// reason of a refusal; Mint gives one of a service account without asking.
	Exchange func(ctx context.Context, accountID, subjectToken string) (token string, expires time.Time, refusal string, err error)
	Mint     func(accountID string) (token string, expires time.Time)
	// StorageBase is "https://storage.yandexcloud.net".
	StorageBase string
	// KeepState makes Close leave the clusters' folders, for Resume.
	KeepState bool
}

// Service is Managed Kubernetes.
type Service struct {
	o        Options
	k        *kernel.Kernel
	clusters *state.Table[*pb.Cluster]
	groups   *state.Table[*pb.NodeGroup]
	// nodes by node group; issuers that an API server accepts, by cluster.
	nodes   *state.Records[[]node]
	issuers *state.Records[[]string]
	plant   *plant
	// mu makes a check and the change that it allows one step.
	mu sync.Mutex
}

// New makes the service. Resume brings back the clusters of a former process.
func New(o Options) *Service {
	s := &Service{
		o: o, k: o.Kernel, plant: newPlant(o.Engine),
		clusters: state.NewTable[*pb.Cluster](o.Kernel.Store, KindCluster),
		groups:   state.NewTable[*pb.NodeGroup](o.Kernel.Store, KindNodeGroup),
		nodes:    state.NewRecords[[]node](o.Kernel.Store, "managed-kubernetes.nodes"),
		issuers:  state.NewRecords[[]string](o.Kernel.Store, "managed-kubernetes.issuers"),
	}
	o.VPC.UsedBy(s.uses)
	return s
}

// Services of the Managed Kubernetes API, and of Compute's what concerns nodes.
func (s *Service) Services() []kernel.Service {
	return []kernel.Service{
		{Desc: &pb.ClusterService_ServiceDesc, Impl: clusterService{AccessAPI: s.access(), s: s}, Rules: s.clusterRules()},
		{Desc: &pb.NodeGroupService_ServiceDesc, Impl: nodeGroupService{s: s}, Rules: nodeGroupRules()},
		{Desc: &compute.InstanceService_ServiceDesc, Impl: instanceService{s: s}, Rules: instanceRules()},
		{Desc: &pb.VersionService_ServiceDesc, Impl: versionService{s: s}, Rules: map[string]kernel.Rule{"List": kernel.AnyCaller()}},
	}
}

// Close ends all clusters. Unless the state is kept their folders go too.
func (s *Service) Close(ctx context.Context) error { return s.closeAll(ctx) }

func clusterRef(id string) state.Ref { return state.Ref{Type: KindCluster, ID: id} }

func groupRef(id string) state.Ref { return state.Ref{Type: KindNodeGroup, ID: id} }

// now is the time as the resources of Managed Kubernetes show it: in whole seconds.
func (s *Service) now() *timestamppb.Timestamp {
	return timestamppb.New(s.k.Clock.Now().Truncate(time.Second))
}

// slow: what an engine does takes time; paper does not.
func (s *Service) slow() bool { return s.o.Engine != nil }

func (s *Service) cluster(id string) (*pb.Cluster, error) {
	row, ok := s.clusters.Get(id)
	if !ok {
		return nil, s.k.NotFound(KindCluster, id)
	}
	return row, nil
}

// idle refuses a resource that an operation works on, other than one on its access
// bindings. That the cloud refuses, and does not queue, is a guess.
func (s *Service) idle(ref state.Ref) error {
	for _, op := range s.k.Operations.Unfinished(ref) {
		if !strings.HasSuffix(string(op.Metadata.MessageName().Name()), "AccessBindingsMetadata") {
			return s.k.Guess("k8s/busy", ref.ID)
		}
	}
	return nil
}

func (s *Service) groupsOf(clusterID string) []*pb.NodeGroup {
	return s.groups.List(func(g *pb.NodeGroup) bool { return g.ClusterId == clusterID })
}

// setCluster and setGroup change a row, unless it is gone meanwhile.
func (s *Service) setCluster(id string, change func(*pb.Cluster)) {
	_, _, _ = s.clusters.Modify(id, func(row *pb.Cluster) error { change(row); return nil }) // change cannot fail
}

func (s *Service) setGroup(id string, change func(*pb.NodeGroup)) {
	_, _, _ = s.groups.Modify(id, func(row *pb.NodeGroup) error { change(row); return nil }) // change cannot fail
}
