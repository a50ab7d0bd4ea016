package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/e2e-framework/klient/k8s/resources"
)

// TokenSource gives a bearer token that is good for at least the next minute.
// The cloud's IAM tokens are such tokens
// (https://yandex.cloud/en/docs/managed-kubernetes/concepts/#kubernetes-api).
type TokenSource func(ctx context.Context) (string, error)

// Cluster is a connection to a cluster's API. It is safe for concurrent use.
type Cluster struct {
	// Config is what the clients below are made of.
	Config *rest.Config
	// Client is client-go's typed client.
	Client kubernetes.Interface
	// Resources reads and writes objects of any kind.
	Resources *resources.Resources
}

// Limits of the client: the suite's processes share one API server, and the
// server has its own fairness.
const (
	queriesPerSecond = 100
	burst            = 200
	requestTimeout   = 30 * time.Second
	userAgent        = "wlif-conformance"
)

// FromEndpoint connects to an API server whose certificate ca (PEM) verifies. It
// makes no call yet.
func FromEndpoint(endpoint string, ca []byte, token TokenSource) (*Cluster, error) {
	if endpoint == "" || len(ca) == 0 || token == nil {
		return nil, errors.New("connecting to a cluster: an endpoint, its CA certificate and a token source are needed")
	}
	return connect(&rest.Config{
		Host:            endpoint,
		TLSClientConfig: rest.TLSClientConfig{CAData: ca},
		WrapTransport: func(next http.RoundTripper) http.RoundTripper {
			return &bearer{next, token}
		},
	})
}

// FromKubeconfig connects to the current context of a kubeconfig file. It makes
// no call yet.
func FromKubeconfig(path string) (*Cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig %s: %w", path, err)
	}
	return connect(config)
}

// FromConfig connects with a client configuration; it is copied.
func FromConfig(config *rest.Config) (*Cluster, error) { return connect(rest.CopyConfig(config)) }

func connect(config *rest.Config) (*Cluster, error) {
	config.QPS, config.Burst = queriesPerSecond, burst
	config.UserAgent = userAgent
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster %s: %w", config.Host, err)
	}
	objects, err := resources.New(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster %s: %w", config.Host, err)
	}
	return &Cluster{Config: config, Client: client, Resources: objects}, nil
}

// Version asks the API server for the version it runs, without the v.
func (c *Cluster) Version(ctx context.Context) (string, error) {
	var info struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := c.get(ctx, "/version", &info); err != nil {
		return "", fmt.Errorf("asking the cluster for its version: %w", err)
	}
	if len(info.GitVersion) > 0 && info.GitVersion[0] == 'v' {
		return info.GitVersion[1:], nil
	}
	return info.GitVersion, nil
}

// bearer sets the Authorization header of every request, connection upgrades
// included, to the source's present token.
type bearer struct {
	next  http.RoundTripper
	token TokenSource
}

func (b *bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := b.token(request.Context())
	if err != nil {
		return nil, fmt.Errorf("obtaining a token for the cluster: %w", err)
	}
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+token)
	return b.next.RoundTrip(request)
}

// WrappedRoundTripper lets client-go look through to the transport.
func (b *bearer) WrappedRoundTripper() http.RoundTripper { return b.next }
