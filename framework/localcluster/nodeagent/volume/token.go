package volume

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The kubelet renews a token after 80 percent of its lifetime, at the latest after a
// day (Kubernetes documentation, "Configure Service Accounts for Pods").
const (
	renewFraction = 0.8
	renewAtLatest = 24 * time.Hour
	// renewRetry is when a renewal that failed is tried again, as long as the old
	// token lives.
	renewRetry = 10 * time.Second
)

type tokenKey struct {
	audience string
	seconds  int64
}

type token struct {
	value          string
	renew, expires time.Time
}

// token asks for a token of the pod's service account, bound to the pod, or
// returns the former one while it is fresh.
func (s *Source) token(ctx context.Context, pod *corev1.Pod, p *corev1.ServiceAccountTokenProjection) (token, error) {
	key := tokenKey{audience: p.Audience}
	if p.ExpirationSeconds != nil {
		key.seconds = *p.ExpirationSeconds
	}
	now := s.Clock.Now()
	former, ok := s.tokens[key]
	if ok && now.Before(former.renew) {
		return former, nil
	}
	fresh, err := s.request(ctx, pod, p)
	if err != nil {
		if ok && now.Before(former.expires) {
			former.renew = now.Add(renewRetry)
			s.tokens[key] = former
			return former, nil
		}
		return token{}, fmt.Errorf("asking for a token of the service account %s: %w", pod.Spec.ServiceAccountName, err)
	}
	if s.tokens == nil {
		s.tokens = map[tokenKey]token{}
	}
	s.tokens[key] = fresh
	return fresh, nil
}

func (s *Source) request(ctx context.Context, pod *corev1.Pod, p *corev1.ServiceAccountTokenProjection) (token, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: p.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}}
	// None means the API server's own audience: the issuer.
	if p.Audience != "" {
		request.Spec.Audiences = []string{p.Audience}
	}
	asked := s.Clock.Now()
	answer, err := s.Client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return token{}, err
	}
	expires := answer.Status.ExpirationTimestamp.Time
	after := min(time.Duration(float64(expires.Sub(asked))*renewFraction), renewAtLatest)
	return token{value: answer.Status.Token, expires: expires, renew: asked.Add(after)}, nil
}
