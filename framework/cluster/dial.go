package cluster

import (
	"context"

	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// Open connects as the provisioner describes it: by a kubeconfig, else by an
// endpoint with IAM tokens.
func Open(a provision.KubeAccess) (*Cluster, error) {
	if a.Kubeconfig != "" {
		return FromKubeconfig(a.Kubeconfig)
	}
	return FromEndpoint(a.Endpoint, a.CA, func(ctx context.Context) (string, error) {
		token, err := a.Token(ctx)
		return token.Reveal(), err
	})
}

// Dial is Open for the provisioner.
func Dial(_ context.Context, a provision.KubeAccess) (provision.Kubernetes, error) {
	c, err := Open(a)
	if err != nil {
		return nil, err
	}
	return c, nil
}
