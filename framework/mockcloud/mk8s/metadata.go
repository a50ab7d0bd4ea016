package mk8s

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/audit"
)

const (
	// tokenPath is where programs on a machine of the cloud get an IAM token
	// (documentation of Compute Cloud, "Access to VM instance metadata").
	tokenPath = "/computeMetadata/v1/instance/service-accounts/default/token"
	// flavorHeader and flavor are what every request says (the same place).
	flavorHeader, flavor = "Metadata-Flavor", "Google"
	// accountAnnotation of a Kubernetes service account names the IAM service account that
	// its pods become (the tutorial of 2026, "Configure the service account").
	accountAnnotation = "yandex.cloud/federated-yc-service-account-id"
	// metadataMethod is the address's name in the audit log.
	metadataMethod = "metadata/token"
	// podTokenSeconds is the life of the token that is exchanged at once.
	podTokenSeconds = 600
)

// notForPods is a refusal by its name in the table of guesses, without "metadata/".
type notForPods string

func (n notForPods) Error() string { return string(n) }

// metadata answers the pods of a node group at the metadata address.
func (s *Service) metadata(groupID string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != tokenPath {
			http.NotFound(w, r)
			return
		}
		entry := audit.Entry{Time: s.k.Clock.Now(), RequestID: uuid.NewString(), Method: metadataMethod, Verdict: audit.Allowed}
		token, expires, err := s.tokenFor(r, groupID, &entry)
		status := http.StatusOK
		var why notForPods
		switch {
		case errors.As(err, &why):
			entry.Verdict, entry.Reason = audit.Refused, "metadata/"+string(why)
			guess := s.k.Settings.Get().Guesses[entry.Reason]
			status = guess.Status
			http.Error(w, guess.Text, status)
		case err != nil:
			entry.Verdict, entry.Reason, status = audit.Failed, "error", http.StatusInternalServerError
			s.k.Log.Error("metadata address", "error", err)
			http.Error(w, "Internal error", status)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set(flavorHeader, flavor)
			_ = json.NewEncoder(w).Encode(map[string]any{ // the pod has hung up: nobody to tell
				"access_token": token, "token_type": "Bearer", "expires_in": int64(expires.Sub(s.k.Clock.Now()).Round(time.Second).Seconds())})
		}
		entry.Code, entry.Took = http.StatusText(status), s.k.Clock.Since(entry.Time)
		s.k.Audit.Add(entry)
	})
}

// tokenFor is the IAM token of whoever asks: of the account that its Kubernetes service
// account names, if that is linked to it.
func (s *Service) tokenFor(r *http.Request, groupID string, entry *audit.Entry) (token string, expires time.Time, err error) {
	refuse := func(why notForPods) (string, time.Time, error) { return "", time.Time{}, why }
	g, ok := s.groups.Get(groupID)
	if !ok {
		return refuse("not-enabled")
	}
	c, ok := s.clusters.Get(g.ClusterId)
	if !ok {
		return refuse("not-enabled")
	}
	p := s.policyOf(g.ClusterId).metadata
	if p.flavored && r.Header.Get(flavorHeader) != flavor {
		return refuse("flavor-missing")
	}
	if !c.GetWorkloadIdentityFederation().GetEnabled() || p.groupFlag && !g.GetWorkloadIdentityFederation().GetEnabled() {
		return refuse("not-enabled")
	}
	pod, err := s.lodger(r.Context(), g.ClusterId, r.RemoteAddr)
	if err != nil {
		return "", time.Time{}, err
	}
	account := pod.names
	if account == "" && p.everyPod {
		if account, err = pod.neighbour(r.Context()); err != nil {
			return "", time.Time{}, err
		}
	}
	if account == "" {
		return refuse("no-account")
	}
	entry.Resource = "iam.serviceAccount/" + account
	if p.nodesAccount {
		token, expires = s.o.Mint(c.NodeServiceAccountId)
		return token, expires, nil
	}
	if !p.linked || pod.names == "" {
		token, expires = s.o.Mint(account)
		return token, expires, nil
	}
	subject, err := pod.token(r.Context(), c)
	if err != nil {
		return "", time.Time{}, err
	}
	token, expires, refusal, err := s.o.Exchange(r.Context(), account, subject)
	if err == nil && refusal != "" {
		return refuse("exchange-refused")
	}
	return token, expires, err
}

// lodger is a pod of a node, and the account that its Kubernetes service account names.
type lodger struct {
	*corev1.Pod
	api   kubernetes.Interface
	names string
}

// neighbour is an account that another Kubernetes service account of the cluster names.
func (l *lodger) neighbour(ctx context.Context) (string, error) {
	others, err := l.api.CoreV1().ServiceAccounts(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, other := range others.Items {
		if named := other.Annotations[accountAnnotation]; named != "" {
			return named, nil
		}
	}
	return "", nil
}

// lodger finds the pod at an address. Pods of the host's network have the node's, and no
// identity of their own.
func (s *Service) lodger(ctx context.Context, clusterID, remote string) (*lodger, error) {
	address, _, err := net.SplitHostPort(remote)
	if err != nil {
		return nil, err
	}
	running, ok := s.plant.get(clusterID)
	if !ok || running.Admin() == nil {
		return nil, errNotRunning
	}
	api, err := kubernetes.NewForConfig(running.Admin())
	if err != nil {
		return nil, err
	}
	pods, err := api.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("status.podIP", address).String()})
	if err != nil {
		return nil, fmt.Errorf("looking for the pod at %s: %w", address, err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Spec.HostNetwork || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		account, err := api.CoreV1().ServiceAccounts(pod.Namespace).Get(ctx, pod.Spec.ServiceAccountName, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("reading the service account of the pod at %s: %w", address, err)
		}
		return &lodger{Pod: pod, api: api, names: account.Annotations[accountAnnotation]}, nil
	}
	return nil, notForPods("no-pod")
}

// token is the pod's own, for the cluster's issuer, which is what the tutorial's
// federation lists as audience.
func (l *lodger) token(ctx context.Context, c *pb.Cluster) (string, error) {
	seconds := int64(podTokenSeconds)
	granted, err := l.api.CoreV1().ServiceAccounts(l.Namespace).CreateToken(ctx, l.Spec.ServiceAccountName, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{c.GetWorkloadIdentityFederation().GetIssuer()}, ExpirationSeconds: &seconds,
			BoundObjectRef: &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: l.Name, UID: l.UID}},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("getting a token of the pod %s/%s: %w", l.Namespace, l.Name, err)
	}
	return granted.Status.Token, nil
}
