package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/pki"
)

// kubeletClientName is who the API server is to a node agent.
const kubeletClientName = "kube-apiserver-kubelet-client"

const (
	auditPolicyFile = "audit-policy.json"
	webhookFile     = "token-webhook.kubeconfig"
)

// keys are what a cluster's programs identify themselves with.
type keys struct {
	dir string
	// etcd has an authority of its own: a certificate of the cluster's
	// (a node's, a user's) must not open the database.
	ca, etcdCA *pki.Authority
}

func (k *keys) path(file string) string { return filepath.Join(k.dir, file) }

// loadKeys reads or makes the authorities and the service account key.
func loadKeys(dir string) (*keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	k := &keys{dir: dir}
	var err error
	if k.ca, err = pki.LoadAuthority(dir, "ca"); err != nil {
		return nil, err
	}
	if k.etcdCA, err = pki.LoadAuthority(dir, "etcd-ca"); err != nil {
		return nil, err
	}
	return k, pki.LoadSigningKey(k.path("sa.key"))
}

// issueServing writes the certificates that the components read from files.
func (k *keys) issueServing(at endpoints) error {
	names := []string{at.ip, "127.0.0.1", serviceIP, "localhost", "kubernetes", "kubernetes.default",
		"kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	var errs []error
	for _, leaf := range []struct {
		by         *pki.Authority
		file, name string
		hosts      []string
	}{
		{k.ca, "apiserver", "kube-apiserver", names},
		{k.ca, "kubelet-client", kubeletClientName, nil},
		{k.etcdCA, "etcd", "etcd", []string{at.ip}},
		{k.etcdCA, "etcd-client", "kube-apiserver", nil},
	} {
		pair, err := leaf.by.Issue(leaf.name, nil, leaf.hosts)
		if err == nil {
			_, _, err = pair.Write(k.dir, leaf.file)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// client is the configuration of a user with a client certificate.
func (c *Cluster) client(user string, groups ...string) (*rest.Config, error) {
	pair, err := c.keys.ca.Issue(user, groups, nil)
	if err != nil {
		return nil, err
	}
	return &rest.Config{
		Host: c.Endpoint(),
		TLSClientConfig: rest.TLSClientConfig{
			CAData: c.keys.ca.PEM, CertData: pair.Cert, KeyData: pair.Key,
		},
	}, nil
}

// writeConfig writes the files that the components' flags name.
func (c *Cluster) writeConfig() error {
	if err := os.MkdirAll(c.configPath(""), 0o700); err != nil {
		return err
	}
	for program, user := range map[string]string{
		kubebin.ControllerManager: "system:kube-controller-manager",
		kubebin.Scheduler:         "system:kube-scheduler",
	} {
		config, err := c.client(user)
		if err != nil {
			return err
		}
		if err := writeKubeconfig(c.configPath(program+".kubeconfig"), config); err != nil {
			return err
		}
	}
	policy, err := json.Marshal(map[string]any{
		"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
		"omitStages": []string{"RequestReceived"},
		// Metadata has no bodies, so no tokens.
		"rules": []any{map[string]any{"level": "Metadata"}},
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.configPath(auditPolicyFile), policy, 0o600); err != nil {
		return err
	}
	return writeWebhook(c.configPath(webhookFile), c.spec.Authenticator)
}

// writeWebhook writes the kubeconfig that names the TokenReview webhook.
func writeWebhook(file string, a *localcluster.Authenticator) error {
	if a == nil {
		return nil
	}
	return writeKubeconfig(file, &rest.Config{Host: a.URL, TLSClientConfig: rest.TLSClientConfig{CAData: a.CA}})
}

func writeKubeconfig(file string, from *rest.Config) error {
	const name = "cluster"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: from.Host, CertificateAuthorityData: from.CAData}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: from.CertData, ClientKeyData: from.KeyData}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}
