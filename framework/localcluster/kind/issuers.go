package kind

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

const (
	apiServer   = "kube-apiserver"
	apiManifest = "/etc/kubernetes/manifests/" + apiServer + ".yaml"
	issuerFlag  = "--service-account-issuer="
	// apiServerGrace is how many seconds an API server has to finish calls.
	apiServerGrace = "0.5"
)

// SetIssuers edits the API server's static pod, which the kubelet of the control
// plane then starts anew.
func (c *Cluster) SetIssuers(ctx context.Context, issuers []string) error {
	err := c.locked(ctx, func(ctx context.Context) error {
		if len(issuers) == 0 {
			issuers = []string{defaultIssuer}
		}
		manifest, err := inNode(ctx, c.control.name, nil, "cat "+apiManifest)
		if err != nil {
			return err
		}
		changed, err := signingFor(manifest, issuers)
		if err != nil {
			return err
		}
		// Renamed into place: the kubelet must not read half a file. It lets the former
		// server finish what it does, watches included, so that one is ended here.
		_, err = inNode(ctx, c.control.name, bytes.NewReader(changed), "former=$(pgrep -x "+apiServer+" || true)\n"+
			"cat >/kind/apiserver.yaml; mv /kind/apiserver.yaml "+apiManifest+"; sleep "+apiServerGrace+"; kill -KILL $former 2>/dev/null || true")
		if err != nil {
			return err
		}
		return c.waitServing(ctx, issuers)
	})
	if err != nil {
		return fmt.Errorf("restarting the API server of the cluster %s with other issuers: %w", c.plan.spec.Name, err)
	}
	return nil
}

// signingFor gives the API server's pod other issuers.
func signingFor(manifest []byte, issuers []string) ([]byte, error) {
	var pod corev1.Pod
	if err := yaml.Unmarshal(manifest, &pod); err != nil {
		return nil, fmt.Errorf("reading %s: %w", apiManifest, err)
	}
	i := slices.IndexFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == apiServer })
	if i < 0 {
		return nil, fmt.Errorf("%s has no container %s", apiManifest, apiServer)
	}
	command := slices.DeleteFunc(pod.Spec.Containers[i].Command, func(arg string) bool { return strings.HasPrefix(arg, issuerFlag) })
	for _, issuer := range issuers {
		command = append(command, issuerFlag+issuer)
	}
	pod.Spec.Containers[i].Command = command
	return yaml.Marshal(pod)
}

// waitServing returns when the one API server there is has these issuers and says
// that it is ready.
func (c *Cluster) waitServing(ctx context.Context, issuers []string) error {
	return poll(ctx, "the API server", func(ctx context.Context) error {
		out, err := inNode(ctx, c.control.name, nil, "for p in $(pgrep -x "+apiServer+"); do tr '\\0' '\\n' </proc/$p/cmdline; done")
		if err != nil {
			return err
		}
		var serving []string
		for line := range strings.Lines(string(out)) {
			if issuer, found := strings.CutPrefix(strings.TrimSpace(line), issuerFlag); found {
				serving = append(serving, issuer)
			}
		}
		if !slices.Equal(serving, issuers) {
			return fmt.Errorf("it runs with the issuers %q", serving)
		}
		var status int
		err = c.api.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status).Error()
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("/readyz answered %d", status)
		}
		return err
	})
}

// writeWebhook writes the kubeconfig that names the TokenReview webhook. The API
// server reaches it by the gate, and verifies its certificate for the real host.
func (c *Cluster) writeWebhook() error {
	a := c.plan.spec.Authenticator
	if a == nil {
		return nil
	}
	at, err := url.Parse(a.URL)
	if err != nil || at.Scheme != "https" || at.Port() == "" {
		return errors.New("the webhook's URL must be https://HOST:PORT/PATH, not " + a.URL)
	}
	server := &clientcmdapi.Cluster{CertificateAuthorityData: a.CA, TLSServerName: at.Hostname()}
	if at.Host, err = c.gate.to(at.Host); err != nil {
		return err
	}
	server.Server = at.String()
	const name = "webhook"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = server
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	file := filepath.Join(c.plan.settings(), webhookFile)
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	// The API server of kubeadm is root in its container.
	return os.Chmod(file, 0o600)
}
