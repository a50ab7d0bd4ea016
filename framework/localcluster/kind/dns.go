package kind

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	systemNamespace = "kube-system"
	dnsName         = "coredns"
	corefileKey     = "Corefile"
	// dnsVolume is kubeadm's volume with the configuration.
	dnsVolume = "config-volume"
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
// does. It would see a changed configuration by itself only after a minute or two, and
// a kubelet may give even a new pod what it remembers of a config map: so another
// configuration is another config map, which makes it a rollout, too.
func (c *Cluster) teachDNS(ctx context.Context) error {
	configs := c.api.CoreV1().ConfigMaps(systemNamespace)
	if c.corefile == "" {
		config, err := configs.Get(ctx, dnsName, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("reading the configuration of CoreDNS: %w", err)
		}
		c.corefile = config.Data[corefileKey]
	}
	config, err := dnsConfig(c.corefile, c.names)
	if err != nil {
		return err
	}
	if _, err := configs.Create(ctx, config, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("configuring CoreDNS: %w", err)
	}
	volume := map[string]any{"name": dnsVolume, "configMap": map[string]any{"name": config.Name}}
	if err := c.patchDNS(ctx, map[string]any{"template": map[string]any{"spec": map[string]any{"volumes": []any{volume}}}}); err != nil {
		return err
	}
	return poll(ctx, "CoreDNS", func(ctx context.Context) error {
		d, err := c.api.AppsV1().Deployments(systemNamespace).Get(ctx, dnsName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if err := rolledOut(d); err != nil {
			return err
		}
		return c.formerDNSGone(ctx)
	})
}

// awaitNames waits until kube-proxy leads a node's pods to the CoreDNS that answers now,
// and to no former one. Before, they resolve no name.
func (c *Cluster) awaitNames(ctx context.Context, m *member) error {
	return poll(ctx, "kube-proxy on the node", func(ctx context.Context) error {
		pods, err := c.dnsPods(ctx)
		if err != nil {
			return err
		}
		rules, err := inNode(ctx, m.name, nil, "iptables-save --table nat")
		if err != nil {
			return err
		}
		return leadsTo(string(rules), pods)
	})
}

// dnsEndpoint is where a rule leads questions, in the comment that kube-proxy gives it.
var dnsEndpoint = regexp.MustCompile(`kube-system/kube-dns:dns -> ([^"]+):53"`)

// leadsTo is nil when kube-proxy's rules lead to all of these pods, and to no others.
func leadsTo(rules string, pods []corev1.Pod) error {
	var led, want []string
	for _, match := range dnsEndpoint.FindAllStringSubmatch(rules, -1) {
		led = append(led, match[1])
	}
	for _, pod := range pods {
		want = append(want, pod.Status.PodIP)
	}
	slices.Sort(led)
	slices.Sort(want)
	led = slices.Compact(led)
	if len(want) == 0 || !slices.Equal(led, want) {
		return fmt.Errorf("it leads to %q, and CoreDNS is at %q", led, want)
	}
	return nil
}

func (c *Cluster) dnsPods(ctx context.Context) ([]corev1.Pod, error) {
	pods, err := c.api.CoreV1().Pods(systemNamespace).List(ctx, metav1.ListOptions{LabelSelector: "k8s-app=kube-dns"})
	if err != nil {
		return nil, err
	}
	return pods.Items, nil
}

// formerDNSGone is nil when no pod with the former configuration is left. One that ends
// goes on answering for seconds that it knows no such host, for as long as a node's
// kube-proxy sends it questions: it gets one second.
func (c *Cluster) formerDNSGone(ctx context.Context) error {
	pods, err := c.dnsPods(ctx)
	if err != nil {
		return err
	}
	ending := endingPods(pods)
	for _, name := range ending {
		soon := int64(1)
		if err := c.api.CoreV1().Pods(systemNamespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &soon}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	if len(ending) > 0 {
		return fmt.Errorf("%s still answers", strings.Join(ending, ", "))
	}
	return nil
}

// endingPods are the names of those that were deleted and still run.
func endingPods(pods []corev1.Pod) []string {
	var names []string
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil {
			names = append(names, pod.Name)
		}
	}
	return names
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

// dnsConfig is the config map with a Corefile for names, named after what it says;
// without names it is kubeadm's own.
func dnsConfig(corefile string, names map[string]string) (*corev1.ConfigMap, error) {
	text, err := withHosts(corefile, names)
	if err != nil {
		return nil, err
	}
	name := dnsName
	if text != corefile {
		sum := sha256.Sum256([]byte(text))
		name += "-" + hex.EncodeToString(sum[:5])
	}
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: name}, Data: map[string]string{corefileKey: text},
	}, nil
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
