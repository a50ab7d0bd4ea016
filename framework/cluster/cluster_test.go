package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wlif-conformance/wlif-conformance/manifests"
)

func dial(t *testing.T, f *fakeAPI) *Cluster {
	t.Helper()
	c, err := FromEndpoint(f.URL, f.ca(), func(context.Context) (string, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.token, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTokenIsAskedForEachTime(t *testing.T) {
	f := startFake(t)
	c := dial(t, f)
	for _, token := range []string{"token-1", "token-2"} {
		f.mu.Lock()
		f.token = token
		f.mu.Unlock()
		if version, err := c.Version(t.Context()); err != nil || version != "1.36.3" {
			t.Errorf("with %s: version %q, %v", token, version, err)
		}
	}
}

func TestNoTokenIsSaidWithoutACall(t *testing.T) {
	f := startFake(t)
	c, err := FromEndpoint(f.URL, f.ca(), func(context.Context) (string, error) { return "", errors.New("IAM is away") })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Version(t.Context()); err == nil || !strings.Contains(err.Error(), "obtaining a token for the cluster: IAM is away") {
		t.Errorf("error = %v", err)
	}
}

func TestFromEndpointNeedsEverything(t *testing.T) {
	if _, err := FromEndpoint("", nil, nil); err == nil {
		t.Error("connected to nothing")
	}
}

func TestNamespaceComesAndGoes(t *testing.T) {
	f := startFake(t)
	c := dial(t, f)
	for range 2 { // the second time it is there already
		if err := c.CreateNamespace(t.Context(), "ns", map[string]string{"wlif-run": "abcdefgh"}); err != nil {
			t.Fatal(err)
		}
	}
	names, err := c.Namespaces(t.Context(), "wlif-run", "abcdefgh")
	if err != nil || len(names) != 1 || names[0] != "ns" {
		t.Errorf("namespaces = %v, %v", names, err)
	}
	f.lingers["/api/v1/namespaces/ns"] = 2
	if err := c.DeleteNamespace(t.Context(), "ns"); err != nil {
		t.Fatal(err)
	}
	if presence, err := c.PresenceOf(t.Context(), "ns", "", &corev1.Namespace{}); presence != Absent || err != nil {
		t.Errorf("presence = %s, %v", presence, err)
	}
	if err := c.DeleteNamespace(t.Context(), "ns"); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
}

func TestDeletionThatDoesNotEnd(t *testing.T) {
	f := startFake(t)
	c := dial(t, f)
	if err := c.CreateNamespace(t.Context(), "ns", nil); err != nil {
		t.Fatal(err)
	}
	f.lingers["/api/v1/namespaces/ns"] = 1 << 30
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := c.DeleteNamespace(ctx, "ns")
	if !errors.Is(err, context.DeadlineExceeded) || !EngineFault(err) {
		t.Errorf("error = %v", err)
	}
}

func TestServiceAccountIsTheTutorials(t *testing.T) {
	f := startFake(t)
	c := dial(t, f)
	for _, name := range []string{manifests.ServiceAccountName, manifests.ServiceAccountName, "other"} {
		if err := c.CreateServiceAccount(t.Context(), "ns", name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"wlif", "other"} {
		if presence, err := c.PresenceOf(t.Context(), name, "ns", &corev1.ServiceAccount{}); presence != Present || err != nil {
			t.Errorf("presence of %s = %s, %v", name, presence, err)
		}
	}
}

func TestRefusalsAreTheClustersOwn(t *testing.T) {
	f := startFake(t)
	f.refuse = http.StatusForbidden
	err := dial(t, f).CreateNamespace(t.Context(), "ns", nil)
	if err == nil || !Permanent(err) || EngineFault(err) || !strings.Contains(err.Error(), "creating the namespace ns") {
		t.Errorf("error = %v", err)
	}
}

func TestOIDC(t *testing.T) {
	issuer, jwks, err := dial(t, startFake(t)).OIDC(t.Context())
	if err != nil || issuer != "https://issuer" || jwks != "https://issuer/jwks.json" {
		t.Errorf("%s, %s, %v", issuer, jwks, err)
	}
}

func TestKubeconfigGoesThere(t *testing.T) {
	f := startFake(t)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	answer := fmt.Sprintf(`{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":%q}}`, f.token)
	if err := WriteKubeconfig(path, f.URL, f.ca(), Plugin{"/bin/echo", []string{answer}}, "ns"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	c, err := FromKubeconfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if version, err := c.Version(t.Context()); err != nil || version != "1.36.3" {
		t.Errorf("version %q, %v", version, err)
	}
	if _, err := FromKubeconfig(path + "-missing"); err == nil || !strings.Contains(err.Error(), "-missing") {
		t.Errorf("error = %v", err)
	}
}

func TestEngineFault(t *testing.T) {
	resource := schema.GroupResource{Resource: "pods"}
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{context.DeadlineExceeded, true},
		{fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), true},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, true},
		{apierrors.NewInternalError(errors.New("x")), true},
		{apierrors.NewServiceUnavailable("x"), true},
		{apierrors.NewTooManyRequests("x", 1), true},
		{apierrors.NewNotFound(resource, "p"), false},
		{apierrors.NewForbidden(resource, "p", nil), false},
		{errors.New("anything else"), false},
	} {
		if got := EngineFault(tc.err); got != tc.want {
			t.Errorf("EngineFault(%v) = %v", tc.err, got)
		}
	}
}
