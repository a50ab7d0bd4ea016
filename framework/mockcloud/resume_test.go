package mockcloud

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload"
	oidcsvc "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/embedded"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// TestARestart: with a state file a mock cloud that was closed comes back with its
// user, its clusters at their addresses with what was in them, and their tokens
// are still good.
func TestARestart(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Kubernetes control plane twice")
	}
	ctx := t.Context()
	o := Options{Dir: t.TempDir(), StateFile: filepath.Join(t.TempDir(), "state.json"), Settings: new(settings.Default()), Engine: embedded.Engine{}}
	first, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	t.Cleanup(func() {
		if !closed {
			_ = first.Close(context.WithoutCancel(ctx))
		}
	})
	w := newExchangeWorldOn(t, first)
	folder := first.World().FolderID
	cluster := w.newCluster(folder)
	op, err := k8s.NewClusterServiceClient(w.conn).Update(ctx, &k8s.UpdateClusterRequest{ClusterId: cluster.Id,
		UpdateMask:                 &fieldmaskpb.FieldMask{Paths: []string{"workload_identity_federation.enabled"}},
		WorkloadIdentityFederation: &k8s.WorkloadIdentityFederationSpec{Enabled: true}})
	cluster = must[*k8s.Cluster](t, eventually(t, w.conn, op, err), nil)
	issuer := cluster.WorkloadIdentityFederation.Issuer
	fop, err := oidcsvc.NewFederationServiceClient(w.conn).Create(ctx, &oidcsvc.CreateFederationRequest{FolderId: folder, Name: "of-the-cluster",
		Issuer: issuer, Audiences: []string{issuer}, JwksUrl: cluster.WorkloadIdentityFederation.JwksUri})
	federation := must[*oidcsvc.Federation](t, fop, err)
	fop, err = workload.NewFederatedCredentialServiceClient(w.conn).Create(ctx, &workload.CreateFederatedCredentialRequest{
		ServiceAccountId: w.account.Id, FederationId: federation.Id, ExternalSubjectId: "system:serviceaccount:default:wlif"})
	must[*workload.FederatedCredential](t, fop, err)
	owner := w.kube(cluster, first.World().Owner)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "wlif"}}
	if _, err := owner.CoreV1().ServiceAccounts("default").Create(ctx, account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{issuer}}}
	subject, err := owner.CoreV1().ServiceAccounts("default").CreateToken(ctx, "wlif", request, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before, err := k8s.NewClusterServiceClient(w.conn).Get(ctx, &k8s.GetClusterRequest{ClusterId: cluster.Id})
	if err != nil {
		t.Fatal(err)
	}
	iamToken := w.post(w.form(subject.Status.Token)).AccessToken
	closed = true
	if err := first.Close(context.WithoutCancel(ctx)); err != nil {
		t.Fatal(err)
	}

	second := start(t, func(s *Options) { *s = o })
	if second.World() != first.World() || second.userToken != first.userToken {
		t.Error("the world is another one")
	}
	after := &exchangeWorld{T: t, cloud: second, rsa: w.rsa, ec: w.ec, account: w.account, conn: second.as(t, second.World().Owner), http: second.client()}
	now, err := k8s.NewClusterServiceClient(after.conn).Get(ctx, &k8s.GetClusterRequest{ClusterId: cluster.Id})
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(now, before) {
		t.Errorf("the cluster was\n%v\nand is\n%v", before, now)
	}
	after.mustPass("a token from before the restart", subject.Status.Token)
	if got, err := second.kernel.Tokens.Read(iamToken, second.clock.Now()); err != nil || got.ID != w.account.Id {
		t.Errorf("an IAM token from before the restart: %v, %v", got, err)
	}
	// The cluster is the same one, and asks the webhook at its new address.
	owner = after.kube(now, second.World().Owner)
	if _, err := owner.CoreV1().ServiceAccounts("default").Get(ctx, "wlif", metav1.GetOptions{}); err != nil {
		t.Errorf("what was in the cluster: %v", err)
	}
	op, err = k8s.NewClusterServiceClient(after.conn).Delete(ctx, &k8s.DeleteClusterRequest{ClusterId: cluster.Id})
	if op := eventually(t, after.conn, op, err); op.GetError() != nil {
		t.Fatal(op.GetError())
	}
}

// broken is an engine that starts nothing.
type broken struct{ embedded.Engine }

func (broken) Start(context.Context, localcluster.Spec) (localcluster.Cluster, error) {
	return nil, errors.New("no")
}

// A cluster that does not start again must not take the rest of the cloud along.
func TestAClusterThatCannotBeResumed(t *testing.T) {
	o := Options{Dir: t.TempDir(), StateFile: filepath.Join(t.TempDir(), "state.json")}
	first, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w := newExchangeWorldOn(t, first)
	cluster := w.newCluster(first.World().FolderID)
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.Engine = broken{}
	second := start(t, func(s *Options) { *s = o })
	got, err := k8s.NewClusterServiceClient(second.as(t, second.World().Owner)).Get(t.Context(), &k8s.GetClusterRequest{ClusterId: cluster.Id})
	if err != nil || got.Health != k8s.Cluster_UNHEALTHY {
		t.Errorf("health %v, error %v", got.GetHealth(), err)
	}
}

func TestAStateThatCannotBeRead(t *testing.T) {
	for name, text := range map[string]string{
		"torn":          `{"iam`,
		"a damaged row": `{"iam.serviceAccount":{"order":["a1"],"rows":{"a1":{"noSuchField":1}}}}`,
		"a damaged set": `{"mockcloud.world":{"world":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state.json")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if c, err := Start(t.Context(), Options{Dir: t.TempDir(), StateFile: file}); err == nil {
				t.Error("started", c.Close(t.Context()))
			}
			var want, got map[string]any
			raw, err := os.ReadFile(file)
			if err != nil || json.Unmarshal([]byte(text), &want) != nil {
				return // torn: there is nothing to compare
			}
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			for table, rows := range want {
				if !reflect.DeepEqual(got[table], rows) {
					t.Errorf("the table %s was changed to %v", table, got[table])
				}
			}
		})
	}
}
