package kind

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// openEgress gives a node a way out, or takes it away when egress is nil.
func (c *Cluster) openEgress(ctx context.Context, w *member, egress *localcluster.Egress) error {
	var bundle []byte
	if egress != nil {
		bundle = egress.CABundle
		if err := c.reach(egress.Hosts); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.teachDNS(ctx) })
	g.Go(func() error { return c.trust(ctx, w, bundle) })
	g.Go(func() error {
		_, err := inNode(ctx, w.name, strings.NewReader(c.rules(w, egress != nil)), "iptables-restore --noflush --wait")
		return err
	})
	return g.Wait()
}

// reach opens the gate to the addresses that hosts lead to.
func (c *Cluster) reach(hosts map[string]string) error {
	if c.names == nil {
		c.names = map[string]string{}
	}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		target := hosts[name]
		i := slices.Index(c.reached, target)
		if i < 0 {
			if _, err := c.gate.to(target); err != nil {
				return err
			}
			i = len(c.reached)
			c.reached = append(c.reached, target)
		}
		c.names[name] = reachAddress(i)
	}
	return nil
}

const (
	nodeBundle = "/kind/egress/ca-bundle.pem"
	podBundle  = "/etc/ssl/egress/ca-bundle.pem"
	baseSpec   = "/etc/containerd/cri-base.json"
)

// trust makes every container that the node starts from now on trust a bundle:
// programs find it by the variables of OpenSSL, Go, Python and curl, so that no
// manifest and no file of an image is changed. An empty one undoes it.
func (c *Cluster) trust(ctx context.Context, w *member, bundle []byte) error {
	if bytes.Equal(w.trusts, bundle) {
		return nil
	}
	if w.baseSpec == nil {
		raw, err := inNode(ctx, w.name, nil, "cat "+baseSpec)
		if err != nil {
			return fmt.Errorf("reading what containers are made from: %w", err)
		}
		w.baseSpec = raw
	}
	spec := w.baseSpec
	if len(bundle) > 0 {
		if _, err := inNode(ctx, w.name, bytes.NewReader(bundle), "mkdir -p /kind/egress; cat >"+nodeBundle); err != nil {
			return err
		}
		var err error
		if spec, err = trusting(w.baseSpec); err != nil {
			return err
		}
	}
	// The runtime reads the file when it starts. Containers live on meanwhile.
	if _, err := inNode(ctx, w.name, bytes.NewReader(spec), "cat >"+baseSpec+"; systemctl restart containerd"); err != nil {
		return fmt.Errorf("changing what containers are made from: %w", err)
	}
	w.trusts = bundle
	return nil
}

// trusting adds the bundle to a base of containers (the runtime specification's
// config.json).
func trusting(base []byte) ([]byte, error) {
	var spec map[string]any
	if err := json.Unmarshal(base, &spec); err != nil {
		return nil, fmt.Errorf("reading what containers are made from: %w", err)
	}
	process, _ := spec["process"].(map[string]any)
	if process == nil {
		process = map[string]any{}
		spec["process"] = process
	}
	variables, _ := process["env"].([]any)
	process["env"] = append(variables, "SSL_CERT_FILE="+podBundle, "CURL_CA_BUNDLE="+podBundle)
	mounts, _ := spec["mounts"].([]any)
	spec["mounts"] = append(mounts, map[string]any{
		"destination": podBundle, "source": nodeBundle, "type": "bind", "options": []string{"bind", "ro"},
	})
	return json.Marshal(spec)
}
