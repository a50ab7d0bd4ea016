package provision

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// identitySteps are the tutorial from "Create a Kubernetes service account" to
// "Create a Yandex Lockbox secret".
func (p *plan) identitySteps() []Step {
	p.target.Namespace = p.cfg.NamespacePrefix + "-" + p.target.RunID + "-tutorial"
	p.target.KSA = KSAName
	p.target.Subject = "system:serviceaccount:" + p.target.Namespace + ":" + KSAName
	p.target.Role = RolePayloadViewer
	federation, secret := p.federation, p.secret
	if p.cfg.FederationID != "" {
		federation = p.givenFederation
	}
	if p.cfg.SecretID != "" {
		secret = p.givenSecret
	}
	return append([]Step{p.namespace(), p.ksa(), federation(), p.link(), secret()}, p.accountOfPods()...)
}

// accountOfPods is the service account that pods become, with its role.
func (p *plan) accountOfPods() []Step {
	if id := p.cfg.ServiceAccountID; id != "" {
		return []Step{p.givenAccount(StepServiceAccount, "service_account_id", id, func(a *iam.ServiceAccount) {
			p.target.ServiceAccountID, p.target.ServiceAccountName = a.GetId(), a.GetName()
		}), p.givenRole()}
	}
	p.target.ServiceAccountName = p.name("sa-lockbox")
	return []Step{p.account(StepServiceAccount, "sa-lockbox", &p.target.ServiceAccountID),
		p.roles(StepRole, StepServiceAccount, &p.target.ServiceAccountID, []string{RolePayloadViewer})}
}

// access is how the target's Kubernetes API is reached.
func (p *plan) access() KubeAccess {
	return kubeAccess(p.client(), p.target.Cluster)
}

func kubeAccess(c *cloud.Client, k Cluster) KubeAccess {
	if k.Kubeconfig != "" {
		return KubeAccess{Kubeconfig: k.Kubeconfig}
	}
	return KubeAccess{Endpoint: k.Endpoint, CA: []byte(k.CA), Token: func(ctx context.Context) (config.Secret, error) {
		t, err := c.IAMToken(ctx)
		return t.Value, err
	}}
}

func (p *plan) namespace() Step {
	return p.step(Step{Name: StepNamespace, Kind: KindNamespace, Needs: []string{StepCluster}, Do: func(ctx context.Context, _ func(string)) (string, error) {
		if err := p.open(ctx); err != nil {
			return "", err
		}
		name := p.target.Namespace
		return name, p.b.namespace(ctx, p.kube, StepNamespace, name, name, p.clusterKey())
	}})
}

// open dials the cluster's API, unless a step before did.
func (p *plan) open(ctx context.Context) error {
	if p.kube != nil {
		return nil
	}
	if p.dial == nil {
		return errors.New("reaching the cluster's API: no way to was given")
	}
	k, err := p.dial(ctx, p.access())
	if err != nil {
		return fmt.Errorf("reaching the cluster's API: %w", err)
	}
	p.kube = k
	return nil
}

// clusterKey says in the ledger which cluster a namespace is in: an id, or the
// absolute path of a kubeconfig.
func (p *plan) clusterKey() string {
	if p.target.Cluster.ID != "" {
		return p.target.Cluster.ID
	}
	return p.target.Cluster.Kubeconfig
}

// ksa needs no record of its own: it goes with its namespace.
func (p *plan) ksa() Step {
	return p.step(Step{Name: StepKSA, Kind: KindKSA, Needs: []string{StepNamespace}, Do: func(ctx context.Context, _ func(string)) (string, error) {
		return KSAName, p.kube.CreateServiceAccount(ctx, p.target.Namespace, KSAName)
	}})
}

// federation trusts the cluster's issuer; the audience is the issuer too, as the
// tutorial wants it.
func (p *plan) federation() Step {
	p.target.FederationName = p.name("federation")
	return p.creating(Step{Name: StepFederation, Needs: []string{StepCluster}, Methods: []string{"yandex.cloud.iam.v1.workload.oidc.FederationService/Create"}},
		KindFederation, func(id string) { p.target.FederationID = id },
		func() creation {
			k := p.target.Cluster
			return creation{name: p.target.FederationName, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().Federations().Create(ctx, &oidc.CreateFederationRequest{FolderId: p.b.folder, Name: p.target.FederationName,
					Labels: p.b.labels, Issuer: k.Issuer, Audiences: []string{k.Issuer}, JwksUrl: k.JWKSURL})
			}}
		})
}

func (p *plan) link() Step {
	return p.creating(Step{Name: StepLink, Needs: []string{StepFederation, StepServiceAccount}, Methods: []string{"yandex.cloud.iam.v1.workload.FederatedCredentialService/Create"}},
		KindCredential, func(id string) { p.target.CredentialID = id },
		func() creation {
			return creation{name: p.target.Subject, parent: p.target.ServiceAccountID, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().FederatedCredentials().Create(ctx, &workload.CreateFederatedCredentialRequest{
					ServiceAccountId: p.target.ServiceAccountID, FederationId: p.target.FederationID, ExternalSubjectId: p.target.Subject})
			}}
		})
}

func (p *plan) secret() Step {
	made := &lockbox.Secret{}
	p.target.SecretName = p.name("my-secret")
	return p.creating(Step{Name: StepSecret, Methods: []string{"yandex.cloud.lockbox.v1.SecretService/Create"}}, KindSecret,
		func(id string) { p.target.SecretID, p.target.SecretVersionID = id, made.GetCurrentVersion().GetId() },
		func() creation {
			entry := &lockbox.PayloadEntryChange{Key: SecretKey, Value: &lockbox.PayloadEntryChange_TextValue{TextValue: SecretValue}}
			return creation{name: p.target.SecretName, response: made, call: func(ctx context.Context) (*operation.Operation, error) {
				return p.client().Secrets().Create(ctx, &lockbox.CreateSecretRequest{FolderId: p.b.folder, Name: p.target.SecretName, Labels: p.b.labels,
					VersionPayloadEntries: []*lockbox.PayloadEntryChange{entry}})
			}}
		})
}

// existingCluster looks the user's cluster up.
func (p *plan) existingCluster() Step {
	if p.cfg.ClusterID == "" {
		return p.step(Step{Name: StepCluster, Kind: KindLookup, Do: func(ctx context.Context, _ func(string)) (string, error) {
			return "", p.byKubeconfig(ctx)
		}})
	}
	return p.lookup(StepCluster, "yandex.cloud.k8s.v1.ClusterService/Get", func(ctx context.Context) (string, error) {
		found, err := ExistingCluster(ctx, p.client(), "cluster_id", p.cfg.ClusterID, p.cfg.InternalEndpoint)
		p.target.Cluster = found
		return found.ID, err
	})
}

// ErrNotEnabled is that workload identity federation is not enabled on a cluster.
var ErrNotEnabled = errors.New("workload identity federation is not enabled on it")

// ExistingCluster looks up a cluster of the user's that the configuration key names. It
// may be an ErrNotEnabled.
func ExistingCluster(ctx context.Context, client *cloud.Client, key, id string, internal bool) (Cluster, error) {
	c, err := client.Clusters().Get(ctx, &k8s.GetClusterRequest{ClusterId: id})
	if err != nil {
		return Cluster{}, cloud.While(err, "looking up "+key+" "+id)
	}
	if !c.GetWorkloadIdentityFederation().GetEnabled() {
		return Cluster{}, fmt.Errorf("looking up %s %s: %w; yc managed-kubernetes cluster update --id %[2]s --enable-workload-identity-federation enables it", key, id, ErrNotEnabled)
	}
	found := ClusterOf(c, internal)
	found.Existing = true
	return found, nil
}

// byKubeconfig takes issuer and keys from the configuration, else from the API
// server's discovery document.
func (p *plan) byKubeconfig(ctx context.Context) error {
	path, err := filepath.Abs(p.cfg.Kubeconfig)
	if err != nil {
		return fmt.Errorf("finding the kubeconfig %s: %w", p.cfg.Kubeconfig, err)
	}
	p.target.Cluster = Cluster{Existing: true, Kubeconfig: path, Issuer: p.cfg.Issuer, JWKSURL: p.cfg.JWKSURL}
	if p.cfg.Issuer != "" && p.cfg.JWKSURL != "" {
		return nil
	}
	if err := p.open(ctx); err != nil {
		return err
	}
	issuer, jwks, err := p.kube.OIDC(ctx)
	if err != nil {
		return fmt.Errorf("reading the issuer of the cluster in kubeconfig %s: %w", p.cfg.Kubeconfig, err)
	}
	if p.target.Cluster.Issuer == "" {
		p.target.Cluster.Issuer = issuer
	}
	if p.target.Cluster.JWKSURL == "" {
		p.target.Cluster.JWKSURL = jwks
	}
	return nil
}
