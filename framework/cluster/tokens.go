package cluster

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/exchange"
)

// TokenSpec is what is asked of the TokenRequest API (authentication.k8s.io/v1).
type TokenSpec struct {
	// Audiences of the token; none leaves them to the API server.
	Audiences []string
	// Seconds is the life that is asked for; 0 leaves it to the API server, which
	// grants an hour.
	Seconds int64
	// Pod is what the token is bound to; nil: the service account alone.
	Pod *corev1.Pod
}

// GrantedToken is a token of a Kubernetes service account.
type GrantedToken struct {
	Token exchange.Token
	// Expires is when the API server says that it does.
	Expires time.Time
}

// RequestToken asks for a token of a service account, as a kubelet does for a
// projected volume.
func (c *Cluster) RequestToken(ctx context.Context, namespace, account string, spec TokenSpec) (GrantedToken, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: spec.Audiences}}
	if spec.Seconds != 0 {
		request.Spec.ExpirationSeconds = &spec.Seconds
	}
	if spec.Pod != nil {
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: spec.Pod.Name, UID: spec.Pod.UID}
	}
	granted, err := c.Client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return GrantedToken{}, fmt.Errorf("requesting a token of the service account %s in %s: %w", account, namespace, err)
	}
	return GrantedToken{Token: exchange.Token(granted.Status.Token), Expires: granted.Status.ExpirationTimestamp.Time}, nil
}

// ReviewToken asks the API server whether it accepts a token for one of the
// audiences (none: its own). It reuses an acceptance for ten seconds.
func (c *Cluster) ReviewToken(ctx context.Context, token exchange.Token, audiences ...string) (authenticationv1.TokenReviewStatus, error) {
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token.Reveal(), Audiences: audiences}}
	answer, err := c.Client.AuthenticationV1().TokenReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.TokenReviewStatus{}, fmt.Errorf("asking the API server to review a token: %w", err)
	}
	return answer.Status, nil
}

// SigningKeys is the key set of the service account issuer, as the API server
// serves it (Kubernetes documentation, "Service account issuer discovery").
func (c *Cluster) SigningKeys(ctx context.Context) ([]byte, error) {
	return c.raw(ctx, "/openid/v1/jwks", "key set")
}

// Discovery is the issuer's discovery document, as the API server serves it.
func (c *Cluster) Discovery(ctx context.Context) ([]byte, error) {
	return c.raw(ctx, "/.well-known/openid-configuration", "OpenID configuration")
}

func (c *Cluster) raw(ctx context.Context, path, what string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	raw, err := c.Client.Discovery().RESTClient().Get().AbsPath(path).DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's %s: %w", what, err)
	}
	return raw, nil
}
