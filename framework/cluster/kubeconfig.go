package cluster

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Plugin is a program that kubectl runs for a token when it has none or its own has
// ended (client.authentication.k8s.io/v1, ExecCredential).
type Plugin struct {
	// Command is the program's absolute path.
	Command string
	Args    []string
}

// WriteKubeconfig writes a kubeconfig for kubectl, mode 0600, with a default namespace.
// It has no token: the plugin gets one.
func WriteKubeconfig(path, endpoint string, ca []byte, plugin Plugin, namespace string) error {
	const name = "wlif"
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: endpoint, CertificateAuthorityData: ca}
	config.AuthInfos[name] = &api.AuthInfo{Exec: &api.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: plugin.Command, Args: plugin.Args,
		InteractiveMode: api.NeverExecInteractiveMode, InstallHint: "wlif is the program that wrote this file; `make build` makes it",
	}}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name, Namespace: namespace}
	config.CurrentContext = name
	text, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	// WriteFile keeps the mode of a file that was there before.
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}
