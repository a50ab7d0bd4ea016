package kind

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeimage"
)

// Name is the engine's name.
const Name = "kind"

// Engine implements localcluster.Engine. All engines of a process have one prefix,
// because kind knows one network for each process.
type Engine struct {
	// Prefix is the name of the network and begins the names of containers, by which
	// Remains finds what a killed process left. Empty is made of the process's id.
	Prefix string
	// Workers is how many nodes a cluster can have; 0 is 1.
	Workers int
}

var _ localcluster.Engine = Engine{}

// Name is "kind".
func (Engine) Name() string { return Name }

// Versions lists the versions whose node image can be pulled or built.
func (Engine) Versions() []string { return kubebin.Versions() }

// Lacks nothing: a node is a real one.
func (Engine) Lacks() []string { return nil }

// Host is about Docker, cgroups and capabilities.
func (Engine) Host(ctx context.Context) []string {
	host, err := Docker(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	return host.Facts()
}

// Resumes is false: a cluster's data is in its containers.
func (Engine) Resumes() bool { return false }

// Prepare gets the images of the nodes and of test pods.
func (Engine) Prepare(ctx context.Context, version string, say func(line string)) error {
	full, err := resolve(version)
	if err != nil {
		return err
	}
	if _, err := Docker(ctx); err != nil {
		return err
	}
	return nodeimage.EnsureAll(ctx, full, say)
}

// Start makes the images, if need be, and the cluster.
func (e Engine) Start(ctx context.Context, spec localcluster.Spec) (localcluster.Cluster, error) {
	full, err := resolve(spec.Version)
	if err != nil {
		return nil, err
	}
	host, err := Docker(ctx)
	if err != nil {
		return nil, err
	}
	say := func(line string) {
		if spec.Log != nil {
			_, _ = fmt.Fprintln(spec.Log, line)
		}
	}
	image, err := nodeimage.Ensure(ctx, full, say)
	if err != nil {
		return nil, err
	}
	network := cmp.Or(e.Prefix, fmt.Sprintf("wlif-p%d", os.Getpid()))
	if err := claim(network); err != nil {
		return nil, err
	}
	c, err := start(ctx, plan{
		spec: spec, version: full, image: image, host: host, network: network, workers: max(e.Workers, 1),
	})
	if err != nil {
		return nil, fmt.Errorf("starting the kind cluster %s (Kubernetes %s): %w", spec.Name, full, err)
	}
	return c, nil
}

// networkVariable is how kind's library is told the network; there is no other way.
const networkVariable = "KIND_EXPERIMENTAL_DOCKER_NETWORK"

var claimed struct {
	sync.Mutex
	network string
}

// claim makes a network that of this process.
func claim(network string) error {
	claimed.Lock()
	defer claimed.Unlock()
	if claimed.network != "" && claimed.network != network {
		return fmt.Errorf("this process has kind clusters in the network %s already and can have none in %s", claimed.network, network)
	}
	claimed.network = network
	return os.Setenv(networkVariable, network)
}

func resolve(version string) (string, error) {
	full, ok := kubebin.Resolve(version)
	if !ok {
		return "", &localcluster.UnknownVersionError{Engine: Name, Version: version, Known: kubebin.Versions()}
	}
	return full, nil
}

var errDeleted = errors.New("the cluster was deleted")
