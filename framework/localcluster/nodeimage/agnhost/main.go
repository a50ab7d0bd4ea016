//go:build ignore

// Command agnhost is, of the program of the same name that Kubernetes' own tests run
// in pods, the command that looks at issuers. It is built in a module of its own.
package main

import (
	"os"

	"github.com/spf13/cobra"
	"k8s.io/kubernetes/test/images/agnhost/openidmetadata"
)

func main() {
	root := &cobra.Command{Use: "agnhost"}
	root.AddCommand(openidmetadata.CmdTestServiceAccountIssuerDiscovery)
	if root.Execute() != nil {
		os.Exit(1)
	}
}
