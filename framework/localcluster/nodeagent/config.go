package nodeagent

import (
	"io"
	"net/http"

	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/pki"
)

// Config describes a node.
type Config struct {
	Node string
	// KubernetesVersion is the control plane's, without the v.
	KubernetesVersion string
	// Client is the node's own identity, system:node:NAME.
	Client *rest.Config
	// Address is the loopback address that the agent listens on, as the
	// Node object says.
	Address string
	// Serving is the certificate for it; ClientCA and ClientName are the API
	// server's, whose client certificate alone is let in.
	Serving    pki.Pair
	ClientCA   []byte
	ClientName string
	// ServiceAddress is the address at which pods reach the API server, on port 443.
	ServiceAddress string
	// Dir holds the pods' volumes and their containers' output.
	Dir string
	// Hide are folders of the host that pods must not see.
	Hide   []string
	Egress *localcluster.Egress
	// Metadata is that of localcluster.NodeSpec.
	Metadata http.Handler
	// Log receives the agent's own lines.
	Log io.Writer
}

// Lacks are the features of a kubelet's node that this one does not have.
func Lacks() []string { return []string{"container-images", "kubelet", "node-reboot"} }
