package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/wlif-conformance/wlif-conformance/framework/issuer"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster"
)

// kubernetes is an engine whose clusters are one API server, and of it what the
// doctor asks: a service account, its tokens and the keys that sign them.
type kubernetes struct {
	api *httptest.Server

	mu      sync.Mutex
	signer  *issuer.Issuer
	account *corev1.ServiceAccount
}

func newKubernetes(t *testing.T) *kubernetes {
	t.Helper()
	signer, err := issuer.New("https://not-yet-known")
	if err != nil {
		t.Fatal(err)
	}
	k := &kubernetes{signer: signer}
	k.api = httptest.NewTLSServer(k)
	t.Cleanup(k.api.Close)
	return k
}

func (k *kubernetes) Name() string                                        { return "fake" }
func (k *kubernetes) Versions() []string                                  { return []string{"1.36.3", "1.35.4", "1.34.4"} }
func (k *kubernetes) Lacks() []string                                     { return nil }
func (k *kubernetes) Host(context.Context) []string                       { return nil }
func (k *kubernetes) Resumes() bool                                       { return true }
func (k *kubernetes) Prepare(context.Context, string, func(string)) error { return nil }
func (k *kubernetes) Start(_ context.Context, spec localcluster.Spec) (localcluster.Cluster, error) {
	return &fakeCluster{k, spec.Version}, nil
}

type fakeCluster struct {
	*kubernetes
	version string
}

func (c *fakeCluster) Endpoint() string         { return c.api.URL }
func (c *fakeCluster) InternalEndpoint() string { return c.api.URL }
func (c *fakeCluster) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.api.Certificate().Raw})
}
func (c *fakeCluster) Version() string                            { return c.version }
func (c *fakeCluster) Admin() *rest.Config                        { return nil }
func (c *fakeCluster) JWKS(context.Context) ([]byte, error)       { return c.keys(), nil }
func (c *fakeCluster) SetIssuers(context.Context, []string) error { return nil }
func (c *fakeCluster) RemoveNode(context.Context, string) error   { return nil }
func (c *fakeCluster) RestartNode(context.Context, string) error  { return nil }
func (c *fakeCluster) CollectLogs(context.Context, string) error  { return nil }
func (c *fakeCluster) Delete(context.Context) error               { return nil }
func (c *fakeCluster) AddNode(_ context.Context, n localcluster.NodeSpec) (string, error) {
	return n.Name, nil
}

func (k *kubernetes) keys() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return issuer.JWKS(k.signer.Keys()...)
}

// sign makes the API server sign for an issuer, with new keys if it has signed before.
func (k *kubernetes) sign(signer *issuer.Issuer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.signer = signer
}

// serve makes the API server have one service account.
func (k *kubernetes) serve(namespace, name string, annotations map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.account = &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: annotations}}
}

func (k *kubernetes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/openid/v1/jwks" {
		_, _ = w.Write(k.keys())
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	account := k.account
	if account == nil || !strings.HasPrefix(r.URL.Path, "/api/v1/namespaces/"+account.Namespace+"/serviceaccounts/"+account.Name) {
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound})
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/token") {
		account.TypeMeta = metav1.TypeMeta{Kind: "ServiceAccount", APIVersion: "v1"}
		_ = json.NewEncoder(w).Encode(account)
		return
	}
	token, err := k.signer.Forge(k.signer.Claims("system:serviceaccount:"+account.Namespace+":"+account.Name, k.signer.URL))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := authenticationv1.TokenRequest{TypeMeta: metav1.TypeMeta{Kind: "TokenRequest", APIVersion: "authentication.k8s.io/v1"}}
	answer.Status.Token = token.Reveal()
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(answer)
}
