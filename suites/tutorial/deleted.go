package tutorial

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
	pods "github.com/wlif-conformance/wlif-conformance/framework/workload"
	"github.com/wlif-conformance/wlif-conformance/manifests"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

// deleted is "How to delete the resources you created" for what the tutorial
// alone uses. The teardown of the run deletes the rest, and finds these gone.
func (w *walk) deleted(ctx SpecContext) {
	if w.Config.Keep {
		check.LeaveOut("the target is kept, as --keep asks")
	}
	if w.shell != nil {
		_ = w.shell.Close()
		w.shell = nil
	}
	run.Step("deleting in the cluster")
	w.deleteInCluster(ctx)
	run.Step("deleting in the cloud")
	for _, d := range w.cloudDeletions() {
		check.NoError(d.delete(ctx), "deleting the "+d.what)
	}
	for _, d := range w.cloudDeletions() {
		Eventually(ctx, check.Poll(d.presence)).WithTimeout(w.Config.Timeouts.Delete.D()).WithPolling(run.Poll).
			Should(Equal(cluster.Absent), "the %s is still there", d.what)
	}
}

func (w *walk) deleteInCluster(ctx SpecContext) {
	GinkgoHelper()
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: w.Target.Namespace}
	}
	// Nothing runs in the pod that would want to say goodbye.
	for _, object := range []k8s.Object{
		&corev1.Pod{ObjectMeta: meta(manifests.PodName)}, &corev1.ServiceAccount{ObjectMeta: meta(w.Target.KSA)},
	} {
		check.NoError(pods.Delete(ctx, w.Cluster, object, 0), "deleting in the cluster")
		Eventually(ctx, check.Poll(pods.Presence(w.Cluster, object, w.Target.Namespace, object.GetName()))).
			WithTimeout(w.Config.Timeouts.Delete.D()).WithPolling(podPoll).
			Should(Equal(cluster.Absent), "%T %s is still there", object, object.GetName())
	}
}

// deletion deletes one thing in the cloud and tells whether it is gone.
type deletion struct {
	// step made it.
	step     string
	what     string
	delete   func(context.Context) error
	presence func(context.Context) (cluster.Presence, error)
}

// cloudDeletions are in the order in which nothing is in another's way. What the user
// brought is not among them.
func (w *walk) cloudDeletions() []deletion {
	t := w.Target
	return slices.DeleteFunc([]deletion{
		{provision.StepLink, "federated credential", w.operation("yandex.cloud.iam.v1.workload.FederatedCredentialService/Delete", func(ctx context.Context) (*operation.Operation, error) {
			return w.Cloud.FederatedCredentials().Delete(ctx, &workload.DeleteFederatedCredentialRequest{FederatedCredentialId: t.CredentialID})
		}), func(ctx context.Context) (cluster.Presence, error) {
			links, err := w.links(ctx)
			return presenceIf(slices.Contains(links, link{t.FederationID, t.Subject})), err
		}},
		{provision.StepFederation, "federation", w.operation("yandex.cloud.iam.v1.workload.oidc.FederationService/Delete", func(ctx context.Context) (*operation.Operation, error) {
			return w.Cloud.Federations().Delete(ctx, &oidc.DeleteFederationRequest{FederationId: t.FederationID})
		}), func(ctx context.Context) (cluster.Presence, error) {
			_, err := w.Cloud.Federations().Get(ctx, &oidc.GetFederationRequest{FederationId: t.FederationID})
			return presenceByError(err)
		}},
		{provision.StepSecret, "secret", w.operation("yandex.cloud.lockbox.v1.SecretService/Delete", func(ctx context.Context) (*operation.Operation, error) {
			return w.Cloud.Secrets().Delete(ctx, &lockbox.DeleteSecretRequest{SecretId: t.SecretID})
		}), func(ctx context.Context) (cluster.Presence, error) {
			_, err := w.Cloud.Secrets().Get(ctx, &lockbox.GetSecretRequest{SecretId: t.SecretID})
			return presenceByError(err)
		}},
	}, func(d deletion) bool { return t.IsGiven(d.step) })
}

// operation starts a deletion and waits for it. What is gone already is deleted.
func (w *walk) operation(method string, start func(context.Context) (*operation.Operation, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		started, err := start(ctx)
		if cloud.ClassOf(err) == cloud.ClassNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return w.Cloud.Wait(ctx, method, started, nil, nil)
	}
}

func presenceIf(there bool) cluster.Presence {
	if there {
		return cluster.Present
	}
	return cluster.Absent
}

func presenceByError(err error) (cluster.Presence, error) {
	if cloud.ClassOf(err) == cloud.ClassNotFound {
		return cluster.Absent, nil
	}
	return presenceIf(err == nil), err
}
