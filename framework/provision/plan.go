package provision

import (
	"context"
	"fmt"
	"maps"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// Names of the steps, as events, reports and the critical path show them.
const (
	StepVersion        = "k8s-version"
	StepNetwork        = "network"
	StepGateway        = "nat-gateway"
	StepRouteTable     = "route-table"
	StepSubnet         = "subnet"
	StepSecurityGroup  = "security-group"
	StepClusterSA      = "cluster-sa"
	StepClusterSARoles = "cluster-sa-roles"
	StepNodeSA         = "node-sa"
	StepNodeSARoles    = "node-sa-roles"
	StepCluster        = "cluster"
	StepNodeGroup      = "node-group"
	StepNamespace      = "namespace"
	StepKSA            = "ksa"
	StepFederation     = "federation"
	StepServiceAccount = "service-account"
	StepRole           = "role"
	StepLink           = "federated-credential"
	StepSecret         = "secret"
)

// plan is the graph of one run and what its steps have found out so far. A step
// writes fields that only steps after it read, so the graph's edges are all the
// locking there is.
type plan struct {
	cfg    *config.Config
	b      *builder
	dial   Dial
	kube   Kubernetes
	target Target
	// prefix begins what names say of single resources; empty for the target's own.
	prefix string
	// federated asks for a cluster with workload identity federation enabled.
	federated bool
	// plainNodes asks for a node group without it.
	plainNodes bool

	zone       string
	version    string
	gateway    string
	routeTable string
	// subnets that are created, in the order of the configuration's places.
	subnets   []string
	clusterSA string
	nodeSA    string
	// nodeGroupID waits here: steps beside the node group read target.Cluster.
	nodeGroupID string
}

// Plan returns the graph that Provision would run, for its critical path and for
// showing it. Its steps cannot be run.
func Plan(cfg *config.Config) (*Graph, error) {
	p := &plan{cfg: cfg, b: &builder{folder: cfg.FolderID}, zone: cfg.Zone, version: cfg.K8sVersion}
	return p.graph()
}

func (p *plan) graph() (*Graph, error) {
	var steps []Step
	if p.cfg.Cluster == config.ClusterExisting {
		steps = append(steps, p.existingCluster())
	} else {
		steps = append(steps, p.networkSteps()...)
		steps = append(steps, p.clusterSteps()...)
	}
	steps = append(steps, p.identitySteps()...)
	return NewGraph(steps...)
}

// Usual returns how long methods usually take: the defaults of this package, and
// over them what the configuration says.
func Usual(cfg *config.Config) Durations {
	if _, all := cfg.Usual["*"]; all {
		// Whoever knows the duration of every method knows better than the defaults.
		return configured(cfg)
	}
	d := maps.Clone(usual)
	maps.Copy(d, configured(cfg))
	return d
}

func configured(cfg *config.Config) Durations {
	d := Durations{}
	for method, v := range cfg.Usual {
		d[method] = v.D()
	}
	return d
}

// Provision makes the target. When it fails, what was made so far is in the
// ledger and Teardown deletes it; the timing is returned all the same.
func Provision(ctx context.Context, o Options) (*Target, Timing, error) {
	h := o.Ledger.Header()
	labels := Labels(h.RunID, h.Owner, h.Expires)
	p := &plan{cfg: o.Config, dial: o.Dial, federated: true, zone: o.Config.Zone, version: o.Config.K8sVersion,
		b:      &builder{client: o.Client, ledger: o.Ledger, folder: o.Config.FolderID, labels: labels},
		target: Target{RunID: h.RunID, FolderID: o.Config.FolderID, Labels: labels}}
	g, err := p.graph()
	if err != nil {
		return nil, Timing{}, err
	}
	d := Usual(o.Config)
	limit := o.Config.Timeouts.Provision.D()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, &TimeoutError{Step: "provisioning", After: limit, Key: "timeout.provision"})
	defer cancel()
	spans, err := g.run(ctx, runOptions{phase: PhaseProvision, usual: d, on: o.On})
	timing := newTiming(g, d, spans)
	if err != nil {
		return nil, timing, fmt.Errorf("provisioning: %w", err)
	}
	p.target.Cluster.NodeGroupID = p.nodeGroupID
	for _, a := range []struct{ step, id string }{{StepClusterSA, p.clusterSA}, {StepNodeSA, p.nodeSA}, {StepServiceAccount, p.target.ServiceAccountID}} {
		if a.id != "" && !p.target.IsGiven(a.step) {
			p.target.Accounts = append(p.target.Accounts, a.id)
		}
	}
	return &p.target, timing, nil
}

// name is the name of the run's resource.
func (p *plan) name(what string) string { return Name(p.target.RunID, p.prefix+what) }

// step fills in the timeout of an ordinary operation.
func (p *plan) step(s Step) Step {
	if s.Timeout == 0 {
		s.Timeout, s.TimeoutKey = p.cfg.Timeouts.Operation.D(), "timeout.operation"
	}
	return s
}

// lookup is a step that only reads, and needs nothing.
func (p *plan) lookup(name, method string, do func(ctx context.Context) (string, error)) Step {
	return p.step(Step{Name: name, Kind: KindLookup, Methods: []string{method},
		Do: func(ctx context.Context, _ func(string)) (string, error) { return do(ctx) }})
}

// creating is a step that creates one resource: n says how, once its needs are
// done, and keep takes the id.
func (p *plan) creating(s Step, kind string, keep func(id string), n func() creation) Step {
	s.Kind = kind
	s.Do = func(ctx context.Context, report func(string)) (string, error) {
		c := n()
		c.step, c.kind, c.method = s.Name, kind, s.Methods[0]
		id, err := p.b.create(ctx, c, report)
		if err == nil && keep != nil {
			keep(id)
		}
		return id, err
	}
	return p.step(s)
}

// client is short for the client the plan runs with.
func (p *plan) client() *cloud.Client { return p.b.client }
