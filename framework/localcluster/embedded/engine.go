package embedded

import (
	"context"
	"fmt"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent"
)

// Name is the engine's name.
const Name = "embedded"

// Engine implements localcluster.Engine. The zero Engine is ready for use.
type Engine struct {
	// Cache has the binaries; the zero Cache is the user's.
	Cache kubebin.Cache
}

var _ localcluster.Engine = Engine{}

// Name is "embedded".
func (Engine) Name() string { return Name }

// Versions lists what kubebin can get.
func (Engine) Versions() []string { return kubebin.Versions() }

// Lacks lists what the node agent does not do (see package nodeagent).
func (Engine) Lacks() []string { return nodeagent.Lacks() }

// Host is nothing: child processes run alike everywhere.
func (Engine) Host(context.Context) []string { return nil }

// Resumes is true: everything is in the cluster's folder.
func (Engine) Resumes() bool { return true }

// Prepare gets the binaries.
func (e Engine) Prepare(ctx context.Context, version string, say func(line string)) error {
	full, err := resolve(version)
	if err != nil {
		return err
	}
	_, err = e.Cache.Ensure(ctx, full, say)
	return err
}

// Start gets the binaries, if need be, and starts the control plane.
func (e Engine) Start(ctx context.Context, spec localcluster.Spec) (localcluster.Cluster, error) {
	full, err := resolve(spec.Version)
	if err != nil {
		return nil, err
	}
	binaries, err := e.Cache.Ensure(ctx, full, func(line string) {
		if spec.Log != nil {
			_, _ = fmt.Fprintln(spec.Log, line)
		}
	})
	if err != nil {
		return nil, err
	}
	c, err := start(ctx, binaries, spec)
	if err != nil {
		return nil, fmt.Errorf("starting the cluster %s (Kubernetes %s): %w", spec.Name, full, err)
	}
	return c, nil
}

func resolve(version string) (string, error) {
	full, ok := kubebin.Resolve(version)
	if !ok {
		return "", &localcluster.UnknownVersionError{Engine: Name, Version: version, Known: kubebin.Versions()}
	}
	return full, nil
}
