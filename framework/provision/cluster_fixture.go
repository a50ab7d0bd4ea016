package provision

import (
	"context"
	"crypto/rand"
	"strings"
)

// ClusterSpec is what a check wants of a cluster of its own.
type ClusterSpec struct {
	// Plain: without workload identity federation.
	Plain bool
	// Nodes: with a node group of one node; tokens can be had without.
	Nodes bool
	// PlainNodes: the node group is without workload identity federation.
	PlainNodes bool
	// Version and Channel are the run's if they are empty.
	Version, Channel string
}

// Cluster makes a Managed Kubernetes cluster with network and service accounts of
// its own, as a run makes its target's. It takes as long.
func (f *Fixtures) Cluster(ctx context.Context, what string, spec ClusterSpec) (Cluster, error) {
	cfg := *f.o.Config
	cfg.Regional = false // one zone is enough for a check, and costs less
	if spec.Version != "" {
		cfg.K8sVersion = spec.Version
	}
	if spec.Channel != "" {
		cfg.ReleaseChannel = spec.Channel
	}
	h := f.o.Ledger.Header()
	p := &plan{cfg: &cfg, b: f.b, dial: f.o.Dial, zone: cfg.Zone, version: cfg.K8sVersion, federated: !spec.Plain, plainNodes: spec.PlainNodes,
		prefix: what + "-" + strings.ToLower(rand.Text()[:5]) + "-", target: Target{RunID: h.RunID}}
	steps := append(p.networkSteps(), p.masterSteps()...)
	if spec.Nodes {
		steps = append(steps, p.nodeGroup())
	}
	g, err := NewGraph(steps...)
	if err != nil {
		return Cluster{}, err
	}
	_, err = g.run(ctx, runOptions{phase: PhaseProvision})
	p.target.Cluster.NodeGroupID = p.nodeGroupID
	return p.target.Cluster, err
}
