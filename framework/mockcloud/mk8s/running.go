package mk8s

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// specOf is what the engine is asked for.
func (s *Service) specOf(row *pb.Cluster, dir string, issuers []string) localcluster.Spec {
	spec := localcluster.Spec{
		Name: row.Id, Version: row.Master.Version, Dir: dir, Issuers: issuers,
		Log: logWriter{log: s.k.Log, cluster: row.Id},
	}
	if s.o.WebhookURL != nil {
		spec.Authenticator = &localcluster.Authenticator{URL: s.o.WebhookURL(row.Id), CA: s.o.WebhookCA}
	}
	return spec
}

// logWriter hands the engine's lines to the mock's log.
type logWriter struct {
	log     *slog.Logger
	cluster string
}

func (w logWriter) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		w.log.Info(string(bytes.TrimRight(line, "\n")), "cluster", w.cluster)
	}
	return len(p), nil
}

// locate writes where the API server answers.
func locate(m *pb.Master, running localcluster.Cluster, public bool) {
	m.Endpoints = &pb.MasterEndpoints{InternalV4Endpoint: running.InternalEndpoint()}
	outside := ""
	if public {
		m.Endpoints.ExternalV4Endpoint, outside = running.Endpoint(), addressIn(running.Endpoint())
	}
	inside := addressIn(running.InternalEndpoint())
	switch kind := m.MasterType.(type) {
	case *pb.Master_ZonalMaster:
		kind.ZonalMaster.InternalV4Address, kind.ZonalMaster.ExternalV4Address = inside, outside
	case *pb.Master_RegionalMaster:
		kind.RegionalMaster.InternalV4Address, kind.RegionalMaster.ExternalV4Address = inside, outside
	}
}

// addressIn is the IP address in a URL, if one is.
func addressIn(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || net.ParseIP(u.Hostname()) == nil {
		return ""
	}
	return u.Hostname()
}

// apiRoles are the cloud's roles for the Kubernetes API: the permission that makes
// a caller a member of the group, and what the group may do. The names of the
// groups are ours.
var apiRoles = []struct{ permission, group, clusterRole string }{
	{"managed-kubernetes.api.view", "yandex-cloud:k8s.cluster-api.viewer", "view"},
	{"managed-kubernetes.api.edit", "yandex-cloud:k8s.cluster-api.editor", "edit"},
	{"managed-kubernetes.api.admin", "yandex-cloud:k8s.cluster-api.cluster-admin", "cluster-admin"},
}

// bindGroups gives the groups their rights in a cluster. One on paper has no API.
func bindGroups(ctx context.Context, admin *rest.Config) error {
	if admin == nil {
		return nil
	}
	api, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return err
	}
	for _, r := range apiRoles {
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: r.group},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: r.clusterRole},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: r.group}},
		}
		if _, err := api.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("giving the group %s the role %s: %w", r.group, r.clusterRole, err)
		}
	}
	for _, r := range apiRoles {
		if err := inForce(ctx, api, r.group); err != nil {
			return fmt.Errorf("waiting for the rights of the group %s: %w", r.group, err)
		}
	}
	return nil
}

// inForce waits until a group may read pods. A cluster that has just started has
// view and edit without rules at first: a controller gathers them from others.
func inForce(ctx context.Context, api kubernetes.Interface, group string) error {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: "waiting", Groups: []string{group},
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: metav1.NamespaceDefault, Verb: "list", Resource: "pods"},
	}}
	return wait.PollUntilContextCancel(ctx, rightsInterval, true, func(ctx context.Context) (bool, error) {
		got, err := api.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return false, err
		}
		return got.Status.Allowed, nil
	})
}

// rightsInterval is how often a starting cluster is asked; it bounds nothing.
const rightsInterval = 20 * time.Millisecond
