package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// member is a container of the cluster and its node.
type member struct {
	// name is that of the container and of the Node object, address the
	// container's, subnet the pods'.
	name, address, subnet string
	// baseSpec is what the image gave every container to start from.
	baseSpec []byte
	// trusts is the bundle that its containers have now.
	trusts []byte
	// taken is what the worker was added with as a node; nil: it is free.
	taken *localcluster.NodeSpec
	// metadata answers at the metadata address; nil: nobody is there.
	metadata *http.Server
}

const controlPlaneLabel = "node-role.kubernetes.io/control-plane"

// joinNodes learns the nodes' addresses, keeps pods off the workers, and connects
// the pods of all nodes.
func (c *Cluster) joinNodes(ctx context.Context) error {
	if err := poll(ctx, "the nodes to have addresses", c.learnNodes); err != nil {
		return err
	}
	for _, w := range c.workers {
		if err := c.cordon(ctx, w.name, true); err != nil {
			return err
		}
	}
	if err := c.pinDNS(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range c.members() {
		g.Go(func() error { return c.connectPods(ctx, m) })
	}
	return g.Wait()
}

func (c *Cluster) members() []*member { return append([]*member{&c.control}, c.workers...) }

func (c *Cluster) learnNodes(ctx context.Context) error {
	list, err := c.api.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if want := c.plan.workers + 1; len(list.Items) != want {
		return fmt.Errorf("there are %d nodes, not %d", len(list.Items), want)
	}
	c.workers = nil
	for _, n := range list.Items {
		m := member{name: n.Name, subnet: n.Spec.PodCIDR}
		for _, a := range n.Status.Addresses {
			if a.Type == corev1.NodeInternalIP {
				m.address = a.Address
			}
		}
		if m.subnet == "" || m.address == "" {
			return fmt.Errorf("the node %s has the address %q and the pods' range %q", m.name, m.address, m.subnet)
		}
		if _, controls := n.Labels[controlPlaneLabel]; controls {
			c.control = m
		} else {
			c.workers = append(c.workers, &m)
		}
	}
	return nil
}

// AddNode hands over a worker that is free. Its name is its own, not spec.Name.
func (c *Cluster) AddNode(ctx context.Context, spec localcluster.NodeSpec) (name string, err error) {
	err = c.locked(ctx, func(ctx context.Context) error {
		i := slices.IndexFunc(c.workers, func(w *member) bool { return w.taken == nil })
		if i < 0 {
			return fmt.Errorf("the kind cluster %s was made with %d workers, and all are nodes already", c.plan.spec.Name, len(c.workers))
		}
		w := c.workers[i]
		name = w.name
		if err := c.handOver(ctx, w, spec); err != nil {
			return fmt.Errorf("adding the node %s: %w", w.name, err)
		}
		w.taken = &spec
		return nil
	})
	return name, err
}

func (c *Cluster) handOver(ctx context.Context, w *member, spec localcluster.NodeSpec) (err error) {
	defer func() {
		if err != nil {
			w.leaveMetadata()
		}
	}()
	if err := c.openEgress(ctx, w, spec.Egress); err != nil {
		return err
	}
	if err := w.serveMetadata(ctx, spec.Metadata); err != nil {
		return err
	}
	if err := c.label(ctx, w.name, spec.Labels, false); err != nil {
		return err
	}
	if err := c.cordon(ctx, w.name, false); err != nil {
		return err
	}
	// A node is Ready before its kube-proxy has started.
	if err := c.awaitNames(ctx, w); err != nil {
		return err
	}
	return poll(ctx, "the node to be Ready", func(ctx context.Context) error { return c.ready(ctx, w.name) })
}

// ready is nil for a node that the scheduler may use.
func (c *Cluster) ready(ctx context.Context, name string) error {
	n, err := c.api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if len(n.Spec.Taints) > 0 {
		return fmt.Errorf("it has the taint %s", n.Spec.Taints[0].Key)
	}
	for _, condition := range n.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			if condition.Status == corev1.ConditionTrue {
				return nil
			}
			return errors.New("it is not Ready: " + condition.Message)
		}
	}
	return errors.New("it says nothing of its state")
}

// RemoveNode takes a worker back: pods end, and nothing new comes to it.
func (c *Cluster) RemoveNode(ctx context.Context, name string) error {
	return c.locked(ctx, func(ctx context.Context) error {
		w := c.added(name)
		if w == nil {
			return nil
		}
		if err := c.takeBack(ctx, w); err != nil {
			return fmt.Errorf("removing the node %s: %w", name, err)
		}
		w.taken = nil
		return nil
	})
}

// added is the worker that was added as a node of that name, if one was.
func (c *Cluster) added(name string) *member {
	for _, w := range c.workers {
		if w.taken != nil && w.name == name {
			return w
		}
	}
	return nil
}

func (c *Cluster) takeBack(ctx context.Context, w *member) error {
	if err := c.cordon(ctx, w.name, true); err != nil {
		return err
	}
	if err := c.drain(ctx, w.name); err != nil {
		return err
	}
	if err := c.label(ctx, w.name, w.taken.Labels, true); err != nil {
		return err
	}
	w.leaveMetadata()
	return c.openEgress(ctx, w, nil)
}

// drainGrace bounds how long a pod may take to end when its node goes.
const drainGrace = 10 * time.Second

// drain ends the pods of a node that are not the node's own, and waits for it.
func (c *Cluster) drain(ctx context.Context, node string) error {
	return poll(ctx, "the node's pods to end", func(ctx context.Context) error {
		list, err := c.api.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
		if err != nil {
			return err
		}
		var left error
		for _, pod := range list.Items {
			if belongs(pod) {
				continue
			}
			left = errors.Join(left, fmt.Errorf("%s/%s is still there", pod.Namespace, pod.Name))
			if pod.DeletionTimestamp != nil {
				continue
			}
			grace := int64(drainGrace / time.Second)
			err := c.api.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &grace})
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
		return left
	})
}

// belongs tells the pods that a node has by being one: those of daemon sets, and
// static ones.
func belongs(pod corev1.Pod) bool {
	owner := metav1.GetControllerOf(&pod)
	return owner != nil && (owner.Kind == "DaemonSet" || owner.Kind == "Node")
}

func (c *Cluster) cordon(ctx context.Context, node string, closed bool) error {
	return c.patchNode(ctx, node, map[string]any{"spec": map[string]any{"unschedulable": closed}})
}

// label sets labels of a node, or takes them away.
func (c *Cluster) label(ctx context.Context, node string, labels map[string]string, remove bool) error {
	change := map[string]any{}
	for key, value := range labels {
		change[key] = value
		if remove {
			change[key] = nil
		}
	}
	return c.patchNode(ctx, node, map[string]any{"metadata": map[string]any{"labels": change}})
}

func (c *Cluster) patchNode(ctx context.Context, node string, change map[string]any) error {
	patch, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, err = c.api.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
