package kind

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

const (
	podSubnet     = "10.244.0.0/16"
	serviceSubnet = "10.96.0.0/16"
	// defaultIssuer is kubeadm's.
	defaultIssuer = "https://kubernetes.default.svc.cluster.local"
	// dockerPicksPort makes Docker choose the API server's port on this machine, when
	// it takes it: two clusters that start at once cannot choose the same.
	dockerPicksPort = -1
	// settingsDir has what this machine gives the nodes, in them.
	settingsDir = "/kind/settings"
	webhookFile = "token-webhook.kubeconfig"
)

// plan is what a cluster is made from.
type plan struct {
	spec                    localcluster.Spec
	version, image, network string
	host                    Host
	workers                 int
}

// name is the cluster's for kind, and begins its containers' names.
func (p plan) name() string { return p.network + "-" + p.spec.Name }

// settings is the folder that the nodes see as settingsDir.
func (p plan) settings() string { return filepath.Join(p.spec.Dir, "settings") }

func (p plan) kubeconfig() string { return filepath.Join(p.spec.Dir, "kubeconfig") }

// config describes the cluster to kind. mirror is the URL of the mirror of
// Docker's images.
func (p plan) config() (*v1alpha4.Cluster, error) {
	mount := []v1alpha4.Mount{
		{HostPath: p.settings(), ContainerPath: settingsDir, Readonly: true},
		{HostPath: filepath.Join(p.settings(), mirrorsDir), ContainerPath: "/etc/containerd/certs.d", Readonly: true},
	}
	cluster := &v1alpha4.Cluster{
		Networking: v1alpha4.Networking{
			IPFamily: v1alpha4.IPv4Family, APIServerAddress: "127.0.0.1", APIServerPort: dockerPicksPort,
			PodSubnet: podSubnet, ServiceSubnet: serviceSubnet,
			// kind's own needs an image more; see network.go.
			DisableDefaultCNI: true,
		},
		Nodes: []v1alpha4.Node{{Role: v1alpha4.ControlPlaneRole, Image: p.image, ExtraMounts: mount}},
		ContainerdConfigPatches: []string{
			"[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  config_path = \"/etc/containerd/certs.d\"\n",
		},
	}
	for range p.workers {
		cluster.Nodes = append(cluster.Nodes, v1alpha4.Node{Role: v1alpha4.WorkerRole, Image: p.image, ExtraMounts: mount})
	}
	for _, patch := range p.kubeadmPatches() {
		raw, err := json.Marshal(patch)
		if err != nil {
			return nil, fmt.Errorf("describing the cluster to kubeadm: %w", err)
		}
		cluster.KubeadmConfigPatches = append(cluster.KubeadmConfigPatches, string(raw))
	}
	return cluster, nil
}

// kubeadmPatches name no version of kubeadm's API: kind fits them to the one that
// the cluster's version has.
func (p plan) kubeadmPatches() []map[string]any {
	// Of several issuers kubeadm takes one; SetIssuers gives the rest.
	arguments := map[string]string{}
	if len(p.spec.Issuers) > 0 {
		arguments["service-account-issuer"] = p.spec.Issuers[0]
	}
	server := map[string]any{"extraArgs": arguments}
	if p.spec.Authenticator != nil {
		const inPod = "/etc/kubernetes/" + webhookFile
		arguments["authentication-token-webhook-config-file"] = inPod
		arguments["authentication-token-webhook-version"] = "v1"
		// Without this a revoked token would live on for two minutes; the API
		// server's own cache of 10 s remains.
		arguments["authentication-token-webhook-cache-ttl"] = "0s"
		server["extraVolumes"] = []any{map[string]any{
			"name": "token-webhook", "hostPath": settingsDir + "/" + webhookFile, "mountPath": inPod, "readOnly": true, "pathType": "File",
		}}
	}
	kubelet := map[string]any{"kind": "KubeletConfiguration"}
	patches := []map[string]any{{"kind": "ClusterConfiguration", "apiServer": server}, kubelet}
	// Kubelets know the field since 1.31, and refuse cgroup v1 since 1.35.
	if p.host.CgroupV1 && !strings.HasPrefix(p.version, "1.30.") {
		kubelet["failCgroupV1"] = false
	}
	if p.host.NoResourceCapability {
		kubelet["oomScoreAdj"] = 0
		kubelet["featureGates"] = map[string]bool{"KubeletInUserNamespace": true}
		patches = append(patches, map[string]any{"kind": "KubeProxyConfiguration", "oomScoreAdj": 0})
	}
	return patches
}
