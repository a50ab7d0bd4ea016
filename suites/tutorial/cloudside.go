package tutorial

import (
	"context"
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// clusterWLIFEnabled is "Set up a Managed Service for Kubernetes cluster", step 3.
func (w *walk) clusterWLIFEnabled(ctx SpecContext) {
	found, err := w.Cloud.Clusters().Get(ctx, &k8s.GetClusterRequest{ClusterId: w.Target.Cluster.ID})
	check.NoError(err, "reading the cluster "+w.Target.Cluster.ID)
	wlif := found.GetWorkloadIdentityFederation()
	Expect(wlif.GetEnabled()).To(BeTrue(), "the cluster does not report workload identity federation as enabled")
	for name, address := range map[string]string{"issuer": wlif.GetIssuer(), "JWKS URL": wlif.GetJwksUri()} {
		parsed, err := url.Parse(address)
		Expect(err).NotTo(HaveOccurred(), "the cluster's %s is no URL", name)
		Expect(parsed.Scheme).To(Equal("https"), "the cluster's %s %q is not https", name, address)
		Expect(parsed.Host).NotTo(BeEmpty(), "the cluster's %s %q names no host", name, address)
	}
}

// ksaCreated is step 4 of the same section.
func (w *walk) ksaCreated(ctx SpecContext) {
	var account corev1.ServiceAccount
	presence, err := w.Cluster.PresenceOf(ctx, w.Target.KSA, w.Target.Namespace, &account)
	check.NoError(err, "reading the Kubernetes service account")
	Expect(presence).To(Equal(cluster.Present), "the service account %s is not in the namespace %s", w.Target.KSA, w.Target.Namespace)
	Expect(account.Name).To(Equal(w.Target.KSA))
	Expect(account.Namespace).To(Equal(w.Target.Namespace))
}

// federationCreated is "Create a workload identity federation".
func (w *walk) federationCreated(ctx SpecContext) {
	found, err := w.Cloud.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: w.Target.FederationID})
	check.NoError(err, "reading the federation "+w.Target.FederationID)
	issuer := w.Target.Cluster.Issuer
	Expect(found.GetName()).To(Equal(w.Target.FederationName))
	Expect(found.GetIssuer()).To(Equal(issuer), "the federation's issuer is not the cluster's")
	audiences := ConsistOf(issuer)
	if w.Target.IsGiven(provision.StepFederation) {
		audiences = ContainElement(issuer) // the user may have others
	}
	Expect(found.GetAudiences()).To(audiences, "the federation's audience is not the cluster's issuer")
	Expect(found.GetJwksUrl()).To(Equal(w.Target.Cluster.JWKSURL), "the federation's JWKS URL is not the cluster's")
	Expect(found.GetEnabled()).To(BeTrue(), "the federation is not enabled")
}

// saCreated is "Set up an IAM service account", step 1.
func (w *walk) saCreated(ctx SpecContext) {
	found, err := w.Cloud.ServiceAccounts().Get(ctx, &iam.GetServiceAccountRequest{ServiceAccountId: w.Target.ServiceAccountID})
	check.NoError(err, "reading the IAM service account "+w.Target.ServiceAccountID)
	Expect(found.GetName()).To(Equal(w.Target.ServiceAccountName))
	if !w.Target.IsGiven(provision.StepServiceAccount) {
		Expect(found.GetFolderId()).To(Equal(w.Target.FolderID))
	}
}

// roleGranted is step 2 of the same section.
func (w *walk) roleGranted(ctx SpecContext) {
	Eventually(ctx, check.Poll(w.roles)).WithTimeout(w.Config.Timeouts.Propagation.D()).WithPolling(run.Poll).
		Should(ContainElement(w.Target.Role), "the folder's access bindings do not list the service account's role")
}

// roles lists what the IAM service account has on the folder.
func (w *walk) roles(ctx context.Context) ([]string, error) {
	var roles []string
	request := &access.ListAccessBindingsRequest{ResourceId: w.Target.FolderID}
	for {
		page, err := w.Cloud.Folders().ListAccessBindings(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, binding := range page.GetAccessBindings() {
			if binding.GetSubject().GetId() == w.Target.ServiceAccountID {
				roles = append(roles, binding.GetRoleId())
			}
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return roles, nil
		}
	}
}

// link is a federated credential as the tutorial describes it.
type link struct{ federation, subject string }

// linked is "Link the IAM service account to the federation".
func (w *walk) linked(ctx SpecContext) {
	Eventually(ctx, check.Poll(w.links)).WithTimeout(w.Config.Timeouts.Propagation.D()).WithPolling(run.Poll).
		Should(ContainElement(link{w.Target.FederationID, "system:serviceaccount:" + w.Target.Namespace + ":" + w.Target.KSA}),
			"the service account has no such federated credential")
}

func (w *walk) links(ctx context.Context) ([]link, error) {
	var links []link
	request := &workload.ListFederatedCredentialsRequest{ServiceAccountId: w.Target.ServiceAccountID}
	for {
		page, err := w.Cloud.FederatedCredentials().List(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, credential := range page.GetFederatedCredentials() {
			links = append(links, link{credential.GetFederationId(), credential.GetExternalSubjectId()})
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return links, nil
		}
	}
}

// secretCreated is "Create a Yandex Lockbox secret".
func (w *walk) secretCreated(ctx SpecContext) {
	found, err := w.Cloud.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: w.Target.SecretID})
	check.NoError(err, "reading the secret "+w.Target.SecretID)
	Expect(found.GetName()).To(Equal(w.Target.SecretName))
	Expect(found.GetStatus()).To(Equal(lockbox.Secret_ACTIVE), "the secret is not active")
	Expect(found.GetCurrentVersion().GetStatus()).To(Equal(lockbox.Version_ACTIVE), "the secret's current version is not active")
	if !w.Target.IsGiven(provision.StepSecret) {
		Expect(found.GetCurrentVersion().GetPayloadEntryKeys()).To(ConsistOf(provision.SecretKey), "the secret's current version has other keys")
	}
}
