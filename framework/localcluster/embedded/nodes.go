package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent"
)

// node is a node agent and the file that it logs to.
type node struct {
	agent *nodeagent.Agent
	log   *os.File
}

// stop ends the agent.
func (n node) stop(ctx context.Context) error {
	return errors.Join(n.agent.Stop(ctx), n.log.Close())
}

// AddNode starts a node agent, under the name that was asked for.
func (c *Cluster) AddNode(ctx context.Context, spec localcluster.NodeSpec) (name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deleted {
		return "", errDeleted
	}
	if _, exists := c.nodes[spec.Name]; exists {
		return "", fmt.Errorf("the cluster %s already has a node %s", c.spec.Name, spec.Name)
	}
	ctx, cancel := c.until(ctx)
	defer cancel()
	added, err := c.startNode(ctx, spec)
	if err != nil {
		return "", fmt.Errorf("adding the node %s: %w", spec.Name, err)
	}
	if c.nodes == nil {
		c.nodes = map[string]node{}
	}
	c.nodes[spec.Name] = added
	return spec.Name, nil
}

func (c *Cluster) startNode(ctx context.Context, spec localcluster.NodeSpec) (node, error) {
	config, err := c.agentConfig(spec)
	if err != nil {
		return node{}, err
	}
	log, err := os.OpenFile(filepath.Join(c.logDir(), "node-"+spec.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return node{}, err
	}
	config.Log = log
	agent, err := nodeagent.Start(ctx, config)
	if err != nil {
		return node{}, errors.Join(err, log.Close())
	}
	started := node{agent: agent, log: log}
	if err := c.readyNode(ctx, spec); err != nil {
		return node{}, errors.Join(err, started.stop(context.WithoutCancel(ctx)))
	}
	return started, nil
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
		Hide:              c.hidden(),
		Egress:            node.Egress,
		Metadata:          node.Metadata,
	}, nil
}

// hidden are the folders that pods must not see: keys, caches and whatever else the
// user has.
func (c *Cluster) hidden() []string {
	dirs := []string{c.spec.Dir, filepath.Dir(c.binaries.Dir)}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, home)
	}
	return dirs
}

// RemoveNode stops the agent and deletes the Node object and those of its pods.
func (c *Cluster) RemoveNode(ctx context.Context, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	removed, exists := c.nodes[name]
	if !exists {
		return nil
	}
	delete(c.nodes, name)
	if err := errors.Join(removed.stop(ctx), c.deleteNode(ctx, name)); err != nil {
		return fmt.Errorf("removing the node %s: %w", name, err)
	}
	return nil
}

// RestartNode cannot be had: a node has no machine of its own.
func (c *Cluster) RestartNode(_ context.Context, name string) error {
	return fmt.Errorf("restarting the node %s: %w", name, errors.ErrUnsupported)
}

// deleteNode deletes the objects of a node that runs nothing any more.
func (c *Cluster) deleteNode(ctx context.Context, name string) error {
	nodes := c.api.CoreV1().Nodes()
	if err := nodes.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	pods, err := c.api.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return err
	}
	now := int64(0)
	for _, pod := range pods.Items {
		err := c.api.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}
