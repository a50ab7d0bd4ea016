package mockcloud

import (
	"net/http"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	oidcsvc "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	operationpb "github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/embedded"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
)

// eventually waits for an operation of the mock's.
func eventually(t *testing.T, conn *grpc.ClientConn, op *operationpb.Operation, err error) *operationpb.Operation {
	t.Helper()
	for err == nil && !op.Done {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
		op, err = operationpb.NewOperationServiceClient(conn).Get(t.Context(), &operationpb.GetOperationRequest{OperationId: op.Id})
	}
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// newCluster creates a cluster that is really running, WLIF off.
func (w *exchangeWorld) newCluster(folder string) *k8s.Cluster {
	w.Helper()
	ctx := w.Context()
	op, err := vpc.NewNetworkServiceClient(w.conn).Create(ctx, &vpc.CreateNetworkRequest{FolderId: folder, Name: "net"})
	network := must[*vpc.Network](w.T, op, err)
	op, err = vpc.NewSubnetServiceClient(w.conn).Create(ctx, &vpc.CreateSubnetRequest{FolderId: folder, Name: "subnet", NetworkId: network.Id, ZoneId: "ru-central1-a", V4CidrBlocks: []string{"10.1.0.0/16"}})
	subnet := must[*vpc.Subnet](w.T, op, err)
	if err := w.cloud.grant(onFolder(folder), access.Subject{Type: access.ServiceAccount, ID: w.other.Id}, "k8s.clusters.agent", "vpc.publicAdmin"); err != nil {
		w.Fatal(err)
	}
	op, err = k8s.NewClusterServiceClient(w.conn).Create(ctx, &k8s.CreateClusterRequest{
		FolderId: folder, Name: "cluster", NetworkId: network.Id, ServiceAccountId: w.other.Id, NodeServiceAccountId: w.other.Id, ReleaseChannel: k8s.ReleaseChannel_RAPID,
		MasterSpec: &k8s.MasterSpec{Version: "1.36", MasterType: &k8s.MasterSpec_ZonalMasterSpec{ZonalMasterSpec: &k8s.ZonalMasterSpec{
			ZoneId: "ru-central1-a", InternalV4AddressSpec: &k8s.InternalAddressSpec{SubnetId: subnet.Id}, ExternalV4AddressSpec: &k8s.ExternalAddressSpec{}}}},
	})
	return must[*k8s.Cluster](w.T, eventually(w.T, w.conn, op, err), nil)
}

// kube is a client-go client with an IAM token of a subject.
func (w *exchangeWorld) kube(cluster *k8s.Cluster, subject access.Subject) *kubernetes.Clientset {
	w.Helper()
	client, err := kubernetes.NewForConfig(&rest.Config{
		Host: cluster.Master.Endpoints.ExternalV4Endpoint, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(cluster.Master.MasterAuth.ClusterCaCertificate)},
		BearerToken: w.cloud.kernel.Tokens.Mint(subject, w.cloud.clock.Now().Add(time.Hour)),
	})
	if err != nil {
		w.Fatal(err)
	}
	return client
}

// TestARunningCluster goes the tutorial's way without a pod: WLIF is enabled on a
// running cluster, its tokens are exchanged, and IAM tokens open its API.
func TestARunningCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Kubernetes control plane")
	}
	w := newExchangeWorldOn(t, start(t, func(o *Options) { o.Engine = embedded.Engine{} }))
	ctx, folder := t.Context(), w.cloud.World().FolderID
	cluster := w.newCluster(folder)
	if cluster.WorkloadIdentityFederation.GetEnabled() {
		t.Fatal("a cluster made without WLIF has it")
	}

	// The roles k8s.cluster-api.* open the API, and nothing else does.
	owner := w.kube(cluster, w.cloud.World().Owner)
	if _, err := owner.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "tutorial"}}, metav1.CreateOptions{}); err != nil {
		t.Fatalf("cluster-admin: %v", err)
	}
	admin := access.Delta{Role: "k8s.cluster-api.cluster-admin", Subject: w.cloud.World().Owner}
	for _, remove := range []bool{true, false} {
		admin.Remove = remove
		if _, err := w.cloud.Bindings().Update(onFolder(folder), []access.Delta{admin}, w.cloud.clock.Now(), nil); err != nil {
			t.Fatal(err)
		}
		_, err := w.kube(cluster, w.cloud.World().Owner).CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
		if apierrors.IsForbidden(err) != remove {
			t.Errorf("the account that runs, cluster-admin taken away %v: %v", remove, err)
		}
	}
	stranger := w.kube(cluster, access.Subject{Type: access.ServiceAccount, ID: w.account.Id})
	if _, err := stranger.CoreV1().Namespaces().List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("an account without a role: %v, want forbidden", err)
	}
	if err := w.cloud.grant(onFolder(folder), access.Subject{Type: access.ServiceAccount, ID: w.account.Id}, "k8s.cluster-api.viewer"); err != nil {
		t.Fatal(err)
	}
	// The API server remembers what a token is good for during ten seconds, so the
	// new role is tried with a new one.
	stranger = w.kube(cluster, access.Subject{Type: access.ServiceAccount, ID: w.account.Id})
	if _, err := stranger.CoreV1().Pods("tutorial").List(ctx, metav1.ListOptions{}); err != nil {
		t.Errorf("a viewer lists pods: %v", err)
	}
	if err := stranger.CoreV1().Pods("tutorial").Delete(ctx, "none", metav1.DeleteOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a viewer deletes a pod: %v, want forbidden", err)
	}

	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "wlif"}}
	if _, err := owner.CoreV1().ServiceAccounts("tutorial").Create(ctx, account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token := func(audience string) string {
		t.Helper()
		r, err := owner.CoreV1().ServiceAccounts("tutorial").CreateToken(ctx, "wlif", &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Status.Token
	}
	before := token("any")

	op, err := k8s.NewClusterServiceClient(w.conn).Update(ctx, &k8s.UpdateClusterRequest{ClusterId: cluster.Id,
		UpdateMask:                 &fieldmaskpb.FieldMask{Paths: []string{"workload_identity_federation.enabled"}},
		WorkloadIdentityFederation: &k8s.WorkloadIdentityFederationSpec{Enabled: true}})
	cluster = must[*k8s.Cluster](t, eventually(t, w.conn, op, err), nil)
	wlif := cluster.WorkloadIdentityFederation
	if want := "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/" + cluster.Id; !wlif.GetEnabled() || wlif.Issuer != want || wlif.JwksUri != want+"/jwks.json" {
		t.Fatalf("WLIF is %v", wlif)
	}

	op, err = oidcsvc.NewFederationServiceClient(w.conn).Create(ctx, &oidcsvc.CreateFederationRequest{FolderId: folder, Name: "of-the-cluster",
		Issuer: wlif.Issuer, Audiences: []string{wlif.Issuer}, JwksUrl: wlif.JwksUri})
	federation := must[*oidcsvc.Federation](t, op, err)
	op, err = workload.NewFederatedCredentialServiceClient(w.conn).Create(ctx, &workload.CreateFederatedCredentialRequest{
		ServiceAccountId: w.account.Id, FederationId: federation.Id, ExternalSubjectId: "system:serviceaccount:tutorial:wlif"})
	must[*workload.FederatedCredential](t, op, err)

	w.mustPass("the cluster's token", token(wlif.Issuer))
	w.mustRefuse(w.post(w.form(token("other"))), "", "audience")
	w.mustRefuse(w.post(w.form(before)), "", "issuer")
	if _, err := w.kube(cluster, w.cloud.World().Owner).CoreV1().Namespaces().Get(ctx, "tutorial", metav1.GetOptions{}); err != nil {
		t.Errorf("after the restart of the API server: %v", err)
	}

	op, err = k8s.NewClusterServiceClient(w.conn).Delete(ctx, &k8s.DeleteClusterRequest{ClusterId: cluster.Id})
	if op := eventually(t, w.conn, op, err); op.GetError() != nil {
		t.Fatal(op.GetError())
	}
	resp, err := w.cloud.realNames().Get(wlif.JwksUri) //nolint:noctx // a local server of this test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the JWKS of a deleted cluster: status %d", resp.StatusCode)
	}
}
