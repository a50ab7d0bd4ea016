package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/childproc"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
)

// stopGrace is how long a component may take to end before it is killed. Their
// data is in etcd's log by then; nothing is lost.
const (
	stopGrace = 3 * time.Second
	// apiServerGrace lets calls that were under way finish. The API server would go
	// on to wait for watches, which its clients never end.
	apiServerGrace = 500 * time.Millisecond
)

// Cluster is a running control plane with its nodes.
type Cluster struct {
	spec     localcluster.Spec
	binaries kubebin.Set
	log      io.Writer
	at       endpoints
	keys     *keys
	admin    *rest.Config
	api      kubernetes.Interface

	// alive ends, with the reason as its cause, when a component ends by itself
	// or the cluster is deleted.
	alive  context.Context
	failed context.CancelCauseFunc

	mu        sync.Mutex
	issuerSet []string
	etcd      *childproc.Process
	apiserver *childproc.Process
	workers   []*childproc.Process
	nodes     map[string]node
	deleted   bool
}

var _ localcluster.Cluster = (*Cluster)(nil)

var errDeleted = errors.New("the cluster was deleted")

// Endpoint is https://ADDRESS:PORT.
func (c *Cluster) Endpoint() string { return c.at.url(c.at.api) }

// InternalEndpoint is the same: there is no network but this machine's.
func (c *Cluster) InternalEndpoint() string { return c.Endpoint() }

// CA is the cluster's authority.
func (c *Cluster) CA() []byte { return slices.Clone(c.keys.ca.PEM) }

// Version is the version of the binaries.
func (c *Cluster) Version() string { return c.binaries.Version }

// Admin is a member of system:masters.
func (c *Cluster) Admin() *rest.Config { return rest.CopyConfig(c.admin) }

// JWKS asks the API server.
func (c *Cluster) JWKS(ctx context.Context) ([]byte, error) {
	raw, err := c.api.Discovery().RESTClient().Get().AbsPath("/openid/v1/jwks").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the key set of the cluster %s: %w", c.spec.Name, err)
	}
	return raw, nil
}

// SetIssuers restarts the API server. When that fails the cluster has none; it can
// be tried again, or deleted.
func (c *Cluster) SetIssuers(ctx context.Context, issuers []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deleted {
		return errDeleted
	}
	if err := c.restartAPIServer(ctx, issuers); err != nil {
		return fmt.Errorf("restarting the API server of the cluster %s with other issuers: %w", c.spec.Name, err)
	}
	return nil
}

func (c *Cluster) restartAPIServer(ctx context.Context, issuers []string) error {
	if err := c.apiserver.Stop(ctx, apiServerGrace); err != nil {
		return err
	}
	c.issuerSet = slices.Clone(issuers)
	p, err := c.startAPIServer()
	if err != nil {
		return err
	}
	c.apiserver = p
	ctx, cancel := c.until(ctx)
	defer cancel()
	return c.waitReady(ctx)
}

// issuers has at least one element.
func (c *Cluster) issuers() []string {
	if len(c.issuerSet) == 0 {
		return []string{defaultIssuer}
	}
	return c.issuerSet
}

// CollectLogs copies Dir/logs.
func (c *Cluster) CollectLogs(_ context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := copyTree(dir, c.logDir()); err != nil {
		return fmt.Errorf("collecting the logs of the cluster %s: %w", c.spec.Name, err)
	}
	return nil
}

// Delete ends the nodes first, so that their pods end in order.
func (c *Cluster) Delete(ctx context.Context) error {
	c.failed(errDeleted) // first: what holds the lock may be waiting for a component
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deleted = true
	var errs []error
	for name, n := range c.nodes {
		errs = append(errs, n.stop(ctx))
		delete(c.nodes, name)
	}
	for _, p := range c.workers {
		errs = append(errs, p.Stop(ctx, stopGrace))
	}
	if c.apiserver != nil {
		errs = append(errs, c.apiserver.Stop(ctx, apiServerGrace))
	}
	if c.etcd != nil {
		errs = append(errs, c.etcd.Stop(ctx, stopGrace))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("ending the cluster %s: %w", c.spec.Name, err)
	}
	return nil
}

// until is ctx, ended also when a component ends.
func (c *Cluster) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.alive, func() { cancel(context.Cause(c.alive)) })
	return ctx, func() { stop(); cancel(nil) }
}

func (c *Cluster) logDir() string { return filepath.Join(c.spec.Dir, "logs") }

func (c *Cluster) configPath(file string) string { return filepath.Join(c.spec.Dir, "config", file) }
