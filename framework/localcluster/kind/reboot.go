package kind

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// RestartNode restarts the container of a worker that was added. What a node keeps on
// disks stays, as in a reboot: images, the runtime's containers, kubelet's certificates.
// What it has in memory goes: processes, network, mounts of tokens.
func (c *Cluster) RestartNode(ctx context.Context, name string) error {
	return c.locked(ctx, func(ctx context.Context) error {
		w := c.added(name)
		if w == nil {
			return fmt.Errorf("the kind cluster %s has no node %s", c.plan.spec.Name, name)
		}
		if err := c.reboot(ctx, w); err != nil {
			return fmt.Errorf("restarting the node %s: %w", name, err)
		}
		return nil
	})
}

func (c *Cluster) reboot(ctx context.Context, w *member) error {
	w.leaveMetadata() // it listens in the network that goes
	if _, err := docker(ctx, nil, "restart", w.name); err != nil {
		return err
	}
	// Before its services the node still arranges its network.
	if err := poll(ctx, "the node's services", func(ctx context.Context) error {
		_, err := inNode(ctx, w.name, nil, "systemctl is-active --quiet containerd kubelet")
		return err
	}); err != nil {
		return err
	}
	if err := c.relearnAddress(ctx, w); err != nil {
		return err
	}
	if err := c.connectPods(ctx, w); err != nil {
		return err
	}
	if err := c.openEgress(ctx, w, w.taken.Egress); err != nil {
		return err
	}
	if err := w.serveMetadata(ctx, w.taken.Metadata); err != nil {
		return err
	}
	// The API server believes for a while that the node is Ready as before. kube-proxy's
	// rules are new: its kubelet has started it.
	if err := c.awaitNames(ctx, w); err != nil {
		return err
	}
	return poll(ctx, "the node to be Ready", func(ctx context.Context) error { return c.ready(ctx, w.name) })
}

// relearnAddress asks Docker for a node's address, which it may give anew to a
// container that it starts, and tells the other nodes.
func (c *Cluster) relearnAddress(ctx context.Context, w *member) error {
	out, err := docker(ctx, nil, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", w.name)
	if err != nil {
		return err
	}
	address := strings.TrimSpace(string(out))
	if address == "" {
		return errors.New("its container has no address")
	}
	if address == w.address {
		return nil
	}
	w.address = address
	for _, m := range c.members() {
		if m == w {
			continue
		}
		if _, err := inNode(ctx, m.name, nil, c.routes(m)); err != nil {
			return err
		}
	}
	return nil
}
