package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/manifests"
)

// keepText writes a kubeconfig for the kept cluster into the run's state folder
// and says how to use what is kept, and how to delete it.
func (l *launch) keepText() string {
	last := fmt.Sprintf("\nDelete everything that is kept with:\n  wlif sweep --run %s\n", l.id)
	target, err := l.folder.LoadTarget()
	if err != nil {
		return "Kept is what was created before the run failed." + last
	}
	path, err := l.kubeconfig(target)
	if err != nil {
		return fmt.Sprintf("Everything is kept, but no kubeconfig could be written: %v.%s", err, last)
	}
	return "\nEverything is kept. The kubeconfig has no token: kubectl gets one with `wlif kube-token`.\n" + lookText(target, path) + last
}

func (l *launch) kubeconfigFile() string { return filepath.Join(l.state, l.id, "kubeconfig") }

func (l *launch) kubeconfig(target provision.Target) (string, error) {
	if target.Cluster.Kubeconfig != "" {
		return target.Cluster.Kubeconfig, nil
	}
	plugin, err := l.kubectlPlugin()
	if err != nil {
		return "", err
	}
	path := l.kubeconfigFile()
	return path, cluster.WriteKubeconfig(path, target.Cluster.Endpoint, []byte(target.Cluster.CA), plugin, target.Namespace)
}

// lookText shows how to look around, and the tutorial's commands with this run's values.
func lookText(target provision.Target, kubeconfig string) string {
	var text strings.Builder
	fmt.Fprintf(&text, `
  export KUBECONFIG=%[1]s
  kubectl --namespace %[2]s get pod %[3]s
  kubectl --namespace %[2]s describe pod %[3]s
  kubectl --namespace %[2]s logs %[3]s
  kubectl --namespace %[2]s exec %[3]s -it -- bash

Namespace  %[2]s
SA_ID      %[4]s
SECRET_ID  %[5]s

The tutorial's commands for that shell:

`, kubeconfig, target.Namespace, manifests.PodName, target.ServiceAccountID, target.SecretID)
	for _, file := range []string{manifests.SetVariables, manifests.InstallJQ, manifests.GetToken, manifests.GetSecret} {
		values := map[string]string{}
		if file == manifests.SetVariables {
			values[manifests.ServiceAccountPlaceholder], values[manifests.SecretPlaceholder] = target.ServiceAccountID, target.SecretID
		}
		command, err := manifests.Fill(file, values)
		if err != nil {
			command = "# " + err.Error() + "\n"
		}
		text.WriteString(command)
	}
	return text.String()
}
