package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/childproc"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent"
)

// stopGrace is how long a component may take to end before it is killed. Their
// data is in etcd's log by then; nothing is lost.
const stopGrace = 3 * time.Second

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
	nodes     map[string]*nodeagent.Agent
	deleted   bool
}

var _ localcluster.Cluster = (*Cluster)(nil)

var errDeleted = errors.New("the cluster was deleted")

// Endpoint is https://ADDRESS:PORT.
func (c *Cluster) Endpoint() string { return c.at.url(c.at.api) }

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
	if err := c.apiserver.Stop(ctx, stopGrace); err != nil {
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

// AddNode starts a node agent.
func (c *Cluster) AddNode(ctx context.Context, node localcluster.NodeSpec) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deleted {
		return errDeleted
	}
	if c.nodes[node.Name] != nil {
		return fmt.Errorf("the cluster %s already has a node %s", c.spec.Name, node.Name)
	}
	config, err := c.agentConfig(node)
	if err != nil {
		return fmt.Errorf("adding the node %s: %w", node.Name, err)
	}
	ctx, cancel := c.until(ctx)
	defer cancel()
	agent, err := nodeagent.Start(ctx, config)
	if err == nil {
		if err = c.readyNode(ctx, node); err != nil {
			err = errors.Join(err, agent.Stop(context.WithoutCancel(ctx)))
		}
	}
	if err != nil {
		return fmt.Errorf("adding the node %s: %w", node.Name, err)
	}
	if c.nodes == nil {
		c.nodes = map[string]*nodeagent.Agent{}
	}
	c.nodes[node.Name] = agent
	return nil
}

// readyNode sets the labels, of which a node may not give itself every one, and
// waits until the scheduler may use the node.
func (c *Cluster) readyNode(ctx context.Context, node localcluster.NodeSpec) error {
	if len(node.Labels) > 0 {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": node.Labels}})
		if err != nil {
			return err
		}
		if _, err := c.api.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	return c.poll(ctx, "the node to be Ready", func(ctx context.Context) error {
		got, err := c.api.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(got.Spec.Taints) > 0 {
			return fmt.Errorf("it has the taint %s", got.Spec.Taints[0].Key)
		}
		for _, condition := range got.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return errors.New("it is not Ready")
	})
}

func (c *Cluster) agentConfig(node localcluster.NodeSpec) (nodeagent.Config, error) {
	client, err := c.client("system:node:"+node.Name, "system:nodes")
	if err != nil {
		return nodeagent.Config{}, err
	}
	serving, err := c.keys.ca.Issue("system:node:"+node.Name, []string{"system:nodes"}, []string{c.at.ip, node.Name})
	if err != nil {
		return nodeagent.Config{}, err
	}
	return nodeagent.Config{
		Node:              node.Name,
		KubernetesVersion: c.binaries.Version,
		Client:            client,
		Address:           c.at.ip,
		Serving:           serving,
		ClientCA:          c.keys.ca.PEM,
		ClientName:        kubeletClientName,
		ServiceAddress:    serviceIP,
		Dir:               filepath.Join(c.spec.Dir, "nodes", node.Name),
		LogDir:            filepath.Join(c.logDir(), "nodes", node.Name),
		Egress:            node.Egress,
		Log:               c.log,
	}, nil
}

// RemoveNode stops the agent, its pods, and deletes the Node object.
func (c *Cluster) RemoveNode(ctx context.Context, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	agent := c.nodes[name]
	if agent == nil {
		return nil
	}
	delete(c.nodes, name)
	err := agent.Stop(ctx)
	if gone := c.api.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); !apierrors.IsNotFound(gone) {
		err = errors.Join(err, gone)
	}
	if err != nil {
		return fmt.Errorf("removing the node %s: %w", name, err)
	}
	return nil
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
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deleted = true
	c.failed(errDeleted)
	var errs []error
	for name, agent := range c.nodes {
		errs = append(errs, agent.Stop(ctx))
		delete(c.nodes, name)
	}
	for _, p := range append(c.workers, c.apiserver, c.etcd) {
		if p != nil {
			errs = append(errs, p.Stop(ctx, stopGrace))
		}
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
