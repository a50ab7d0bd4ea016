package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	systemNamespace = "kube-system"
	dnsName         = "coredns"
	corefileKey     = "Corefile"
	// hostsAnnotation makes another configuration a rollout.
	hostsAnnotation = "localcluster/hosts"
)

// pinDNS makes CoreDNS one pod of the control plane: nodes that are handed over run
// what their users run, and one pod starts sooner than two.
func (c *Cluster) pinDNS(ctx context.Context) error {
	return c.patchDNS(ctx, map[string]any{
		"replicas": 1,
		"template": map[string]any{"spec": map[string]any{
			"nodeSelector": map[string]any{controlPlaneLabel: ""},
			"containers":   []any{map[string]any{"name": dnsName, "readinessProbe": map[string]any{"periodSeconds": 1}}},
		}},
	})
}

// teachDNS makes CoreDNS answer for the names that pods reach, and waits until it
// does. It would see a changed configuration by itself only after a minute or two.
func (c *Cluster) teachDNS(ctx context.Context) error {
	config, err := c.api.CoreV1().ConfigMaps(systemNamespace).Get(ctx, dnsName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading the configuration of CoreDNS: %w", err)
	}
	if c.corefile == "" {
		c.corefile = config.Data[corefileKey]
	}
	want, err := withHosts(c.corefile, c.names)
	if err != nil {
		return err
	}
	if config.Data[corefileKey] != want {
		config.Data[corefileKey] = want
		if config, err = c.api.CoreV1().ConfigMaps(systemNamespace).Update(ctx, config, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("configuring CoreDNS: %w", err)
		}
		annotation := map[string]any{"metadata": map[string]any{"annotations": map[string]any{hostsAnnotation: config.ResourceVersion}}}
		if err := c.patchDNS(ctx, map[string]any{"template": annotation}); err != nil {
			return err
		}
	}
	return poll(ctx, "CoreDNS", func(ctx context.Context) error {
		d, err := c.api.AppsV1().Deployments(systemNamespace).Get(ctx, dnsName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return rolledOut(d)
	})
}

// rolledOut is nil when the newest pods of a deployment, and no others, answer.
func rolledOut(d *appsv1.Deployment) error {
	s, want := d.Status, *d.Spec.Replicas
	if s.ObservedGeneration < d.Generation || s.UpdatedReplicas < want || s.AvailableReplicas < want || s.Replicas > want {
		return errors.New("its pods are not all there")
	}
	return nil
}

func (c *Cluster) patchDNS(ctx context.Context, spec map[string]any) error {
	patch, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return err
	}
	_, err = c.api.AppsV1().Deployments(systemNamespace).Patch(ctx, dnsName, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("configuring CoreDNS: %w", err)
	}
	return nil
}

// withHosts adds the plugin hosts (https://coredns.io/plugins/hosts/) to the first
// server of a Corefile; what it does not know falls through to the others.
func withHosts(corefile string, names map[string]string) (string, error) {
	if len(names) == 0 {
		return corefile, nil
	}
	first, rest, found := strings.Cut(corefile, "{\n")
	if !found {
		return "", errors.New("configuring CoreDNS: its Corefile has no server")
	}
	var block strings.Builder
	block.WriteString("    hosts {\n")
	for _, name := range slices.Sorted(maps.Keys(names)) {
		fmt.Fprintf(&block, "        %s %s\n", names[name], name)
	}
	block.WriteString("        fallthrough\n    }\n")
	return first + "{\n" + block.String() + rest, nil
}
