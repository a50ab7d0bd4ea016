package kind

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/kind/pkg/cluster"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// Cluster is a running kind cluster.
type Cluster struct {
	plan plan
	kind *cluster.Provider
	gate *gate
	// subnet is the range of the nodes' network.
	subnet string
	admin  *rest.Config
	api    kubernetes.Interface

	// alive ends when the cluster is deleted.
	alive context.Context
	end   context.CancelCauseFunc

	mu sync.Mutex
	// joined is set while the cluster counts as one that uses the network.
	joined  bool
	control member
	workers []*member
	// reached are the addresses of this machine that pods reach, each under the
	// reachAddress of its place; names are what leads there.
	reached []string
	names   map[string]string
	// corefile is what kubeadm configured CoreDNS with.
	corefile string
	deleted  bool
}

var _ localcluster.Cluster = (*Cluster)(nil)

// apiPort is the API server's in its container, kubeadm's default.
const apiPort = "6443"

// Endpoint is https://127.0.0.1:PORT.
func (c *Cluster) Endpoint() string { return c.admin.Host }

// InternalEndpoint is the control plane's container.
func (c *Cluster) InternalEndpoint() string {
	return "https://" + net.JoinHostPort(c.control.address, apiPort)
}

// CA is the cluster's authority.
func (c *Cluster) CA() []byte { return slices.Clone(c.admin.CAData) }

// Version is that of the node image.
func (c *Cluster) Version() string { return c.plan.version }

// Admin is kind's administrator.
func (c *Cluster) Admin() *rest.Config { return rest.CopyConfig(c.admin) }

// JWKS asks the API server.
func (c *Cluster) JWKS(ctx context.Context) ([]byte, error) {
	raw, err := c.api.Discovery().RESTClient().Get().AbsPath("/openid/v1/jwks").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the key set of the cluster %s: %w", c.plan.spec.Name, err)
	}
	return raw, nil
}

// CollectLogs is kind's: journals, pods' logs and the runtime's state of each node.
func (c *Cluster) CollectLogs(_ context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := c.kind.CollectLogs(c.plan.name(), dir); err != nil {
		return fmt.Errorf("collecting the logs of the cluster %s: %w", c.plan.spec.Name, explained(err))
	}
	return nil
}

// Delete removes the containers with their volumes, and the network with the last
// of its clusters.
func (c *Cluster) Delete(ctx context.Context) error {
	c.end(errDeleted) // first: what holds the lock may be waiting for a node
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deleted = true
	for _, w := range c.workers {
		w.leaveMetadata()
	}
	err := c.removeNodes()
	if c.gate != nil {
		c.gate.close()
	}
	if err == nil && c.joined {
		c.joined = false
		err = leaveNetwork(ctx, c.plan.network)
	}
	if err != nil {
		return fmt.Errorf("ending the cluster %s: %w", c.plan.spec.Name, err)
	}
	return nil
}

// removeNodes removes the containers that are there now.
func (c *Cluster) removeNodes() error {
	return explained(c.kind.Delete(c.plan.name(), c.plan.kubeconfig()))
}

// until is ctx, ended also when the cluster is deleted.
func (c *Cluster) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.alive, func() { cancel(context.Cause(c.alive)) })
	return ctx, func() { stop(); cancel(nil) }
}

// locked runs change alone, with a context that ends with the cluster.
func (c *Cluster) locked(ctx context.Context, change func(context.Context) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deleted {
		return errDeleted
	}
	ctx, cancel := c.until(ctx)
	defer cancel()
	if err := change(ctx); err != nil {
		// The reason why a context ended is what there is to say.
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = errors.Join(cause, err)
		}
		return err
	}
	return nil
}
