package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/e2e-framework/klient/decoder"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/wlif-conformance/wlif-conformance/manifests"
)

// CreateNamespace creates a namespace with labels. One that is there already is
// no error.
func (c *Cluster) CreateNamespace(ctx context.Context, name string, labels map[string]string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if err := c.Resources.Create(ctx, namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating the namespace %s: %w", name, err)
	}
	return nil
}

// CreateServiceAccount applies the tutorial's service-account.yaml in a namespace,
// under a name. One that is there already is no error.
func (c *Cluster) CreateServiceAccount(ctx context.Context, namespace, name string) error {
	text, err := manifests.Fill(manifests.ServiceAccount, nil)
	if err != nil {
		return err
	}
	var account corev1.ServiceAccount
	if err := decoder.DecodeString(text, &account, decoder.MutateNamespace(namespace)); err != nil {
		return fmt.Errorf("reading %s: %w", manifests.ServiceAccount, err)
	}
	account.Name = name
	if err := c.Resources.Create(ctx, &account); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating the service account %s in %s: %w", name, namespace, err)
	}
	return nil
}

// gonePoll is how often a deletion is asked for, see DeleteNamespace: the namespace
// controller begins 5 s after the last change of what is in the namespace.
const gonePoll = time.Second

// DeleteNamespace deletes a namespace and everything in it and returns when it
// is gone, or with the error of ctx. One that is not there is gone.
func (c *Cluster) DeleteNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := c.Resources.Delete(ctx, namespace); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the namespace %s: %w", name, err)
	}
	var last corev1.Namespace
	err := wait.PollUntilContextCancel(ctx, gonePoll, true, func(ctx context.Context) (bool, error) {
		err := c.Resources.Get(ctx, name, "", &last)
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		if err != nil && ctx.Err() == nil && !transient(err) {
			return false, err
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until the namespace %s is gone (%s): %w", name, namespaceState(&last), err)
	}
	return nil
}

// namespaceState says what keeps a namespace, as its conditions tell.
func namespaceState(namespace *corev1.Namespace) string {
	for _, condition := range namespace.Status.Conditions {
		if condition.Status == corev1.ConditionTrue && condition.Message != "" {
			return condition.Message
		}
	}
	return "phase " + string(namespace.Status.Phase)
}

// Namespaces lists the names of the namespaces with a label.
func (c *Cluster) Namespaces(ctx context.Context, label, value string) ([]string, error) {
	list, err := c.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: label + "=" + value})
	if err != nil {
		return nil, fmt.Errorf("listing the namespaces with %s=%s: %w", label, value, err)
	}
	names := make([]string, 0, len(list.Items))
	for _, namespace := range list.Items {
		names = append(names, namespace.Name)
	}
	return names, nil
}

// OIDC reads issuer and jwks_uri of the API server's discovery document
// (OpenID Connect Discovery 1.0, section 4).
func (c *Cluster) OIDC(ctx context.Context) (issuer, jwksURL string, err error) {
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := c.get(ctx, "/.well-known/openid-configuration", &document); err != nil {
		return "", "", fmt.Errorf("reading the cluster's OpenID configuration: %w", err)
	}
	if document.Issuer == "" || document.JWKSURI == "" {
		return "", "", fmt.Errorf("the cluster's OpenID configuration has no issuer or no jwks_uri")
	}
	return document.Issuer, document.JWKSURI, nil
}

func (c *Cluster) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	raw, err := c.Client.Discovery().RESTClient().Get().AbsPath(path).DoRaw(ctx)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// Presence says whether an object exists.
type Presence string

// The two presences.
const (
	Present Presence = "present"
	Absent  Presence = "absent"
)

// PresenceOf asks whether an object exists; obj takes its state.
func (c *Cluster) PresenceOf(ctx context.Context, name, namespace string, obj k8s.Object) (Presence, error) {
	err := c.Resources.Get(ctx, name, namespace, obj)
	switch {
	case apierrors.IsNotFound(err):
		return Absent, nil
	case err != nil:
		return "", fmt.Errorf("looking for %s in %s: %w", name, namespace, err)
	}
	return Present, nil
}
