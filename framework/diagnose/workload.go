package diagnose

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/cluster"
	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
	"github.com/wlif-conformance/wlif-conformance/framework/keyset"
)

// Annotation links a Kubernetes service account to an IAM service account for the
// metadata server of the nodes (docs: "Accessing the Yandex Cloud API from a Managed
// Service for Kubernetes cluster using a workload identity federation").
const Annotation = "yandex.cloud/federated-yc-service-account-id"

// Workload is a Kubernetes service account and the keys that sign its tokens.
type Workload struct {
	Namespace, Name string
	Exists          bool
	// Annotated is the annotation's value; Wanted is the IAM service account's id.
	Annotated, Wanted string
	// Signing are the kids of the keys that the API server has now, Published those
	// that the cloud fetches from URL.
	Signing, Published []string
	URL                string
	// ByHand: nobody looks at the annotation.
	ByHand bool
	Err    error
}

// ReadWorkload looks at a Kubernetes service account. published are the keys that
// the cloud fetches; without a URL nobody compares them.
func ReadWorkload(ctx context.Context, c *cluster.Cluster, namespace, name, wanted string, published exchange.Keys, byHand bool) Workload {
	w := Workload{Namespace: namespace, Name: name, Wanted: wanted, Published: published.IDs, ByHand: byHand}
	account, err := c.Client.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return w
	case err != nil:
		w.Err = fmt.Errorf("looking for the service account %s in %s: %w", name, namespace, err)
		return w
	}
	w.Exists, w.Annotated = true, account.Annotations[Annotation]
	if published.URL == "" || published.Problem != "" {
		return w
	}
	raw, err := c.SigningKeys(ctx)
	if err != nil {
		w.Err = err
		return w
	}
	set, err := keyset.Parse(raw)
	if err != nil {
		w.Err = fmt.Errorf("reading the API server's keys: %w", err)
		return w
	}
	w.Signing, w.URL = set.IDs(), published.URL
	return w
}

// Findings judge it.
func (w Workload) Findings() []Finding {
	what := fmt.Sprintf("Kubernetes service account %s/%s", w.Namespace, w.Name)
	switch {
	case w.Err != nil:
		return []Finding{blind(what, w.Err)}
	case !w.Exists:
		return []Finding{mistake(what, AccountAbsent, "it does not exist").
			saying("kubectl --namespace %s create serviceaccount %s; or correct the name: the subject of tokens is system:serviceaccount:NAMESPACE:NAME.", w.Namespace, w.Name)}
	}
	annotate := fmt.Sprintf("kubectl --namespace %s annotate --overwrite serviceaccount %s %s=%s", w.Namespace, w.Name, Annotation, w.Wanted)
	out := []Finding{fine(what, "it exists")}
	switch {
	case w.ByHand:
	case w.Annotated == "":
		out = append(out, mistake(what, AnnotationMissing, "it has no annotation %s, and the metadata server gives its pods no token of the IAM service account", Annotation).
			saying("%s; or, if your pods exchange their tokens themselves, say --by-hand.", annotate))
	case w.Annotated != w.Wanted:
		out = append(out, mistake(what, AnnotationOther, "its annotation %s is %q, and the service account that is meant is %s", Annotation, w.Annotated, w.Wanted).saying("%s", annotate))
	}
	for _, kid := range w.Signing {
		if !slices.Contains(w.Published, kid) {
			out = append(out, mistake("keys of the API server", exchange.KidNotInJWKS, "it has the key %q, and %s has %q", kid, w.URL, w.Published).
				saying("%s `kubectl get --raw /openid/v1/jwks` prints the present ones.", exchange.RemedyOf(exchange.KidNotInJWKS)))
		}
	}
	return out
}
