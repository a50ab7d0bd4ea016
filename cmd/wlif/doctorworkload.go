package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/diagnose"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
	"github.com/wlif-conformance/wlif-conformance/framework/trust"
)

// lookAtWorkload looks at the cluster and at the Kubernetes service account, prints
// what it finds and requests a token.
func (d *diagnosis) lookAtWorkload(ctx context.Context, out io.Writer) error {
	namespace, name, ok := strings.Cut(d.workload, "/")
	if !ok || namespace == "" || name == "" {
		return usageError(fmt.Errorf("--workload %s is not of the form NAMESPACE/NAME", d.workload))
	}
	if d.cfg.ClusterID == "" && d.cfg.Kubeconfig == "" {
		return usageError(errors.New("--workload needs the cluster: --cluster-id, --kubeconfig or both"))
	}
	var found []diagnose.Finding
	var published exchange.Keys
	if d.cfg.ClusterID != "" {
		managed := diagnose.ReadManaged(ctx, d.client, d.cfg.ClusterID, d.byHand)
		found, published = managed.Findings(), managed.Keys
	} else {
		d.byHand = true // other clusters have no metadata server that knows the annotation
		published = d.federationKeys(ctx)
	}
	kube, err := d.kubernetes(ctx)
	if err != nil {
		return err
	}
	account := diagnose.ReadWorkload(ctx, kube, namespace, name, d.account, published, d.byHand)
	found = append(found, account.Findings()...)
	for _, f := range found {
		d.wrong = d.wrong || f.Name != ""
	}
	if err := printFindings(out, diagnosed(found)); err != nil {
		return err
	}
	if account.Err == nil && !account.Exists {
		return finished(report.ExitFailed)
	}
	granted, err := kube.RequestToken(ctx, namespace, name, cluster.TokenSpec{})
	d.token, d.tokenFile = granted.Token, "the API server's answer"
	return err
}

// federationKeys are those that the cloud fetches for the federation that is named.
func (d *diagnosis) federationKeys(ctx context.Context) exchange.Keys {
	if d.federation == "" {
		return exchange.Keys{}
	}
	federation, err := d.client.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: d.federation})
	if err != nil {
		return exchange.Keys{} // the explanation says so
	}
	return trust.KeysAt(ctx, federation.GetJwksUrl())
}

// kubernetes is the way to the API server: the kubeconfig, or the cluster's address
// with the caller's IAM token.
func (d *diagnosis) kubernetes(ctx context.Context) (*cluster.Cluster, error) {
	if d.cfg.Kubeconfig != "" {
		c, err := cluster.FromKubeconfig(d.cfg.Kubeconfig)
		if err != nil {
			return nil, usageError(err)
		}
		return c, nil
	}
	found, err := d.client.Clusters().Get(ctx, &k8s.GetClusterRequest{ClusterId: d.cfg.ClusterID})
	if err != nil {
		return nil, unknownIsUsage(cloud.While(err, "looking up the cluster "+d.cfg.ClusterID))
	}
	access := provision.ClusterOf(found, d.cfg.InternalEndpoint)
	return cluster.FromEndpoint(access.Endpoint, []byte(access.CA), func(ctx context.Context) (string, error) {
		token, err := d.client.IAMToken(ctx)
		return token.Value.Reveal(), err
	})
}
