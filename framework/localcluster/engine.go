package localcluster

import (
	"context"
	"io"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
)

// Engine makes clusters of one kind on this machine.
type Engine interface {
	// Name is what a user calls the engine: "embedded" or "kind".
	Name() string

	// Versions lists the Kubernetes versions the engine can run, newest first,
	// as full versions without the v ("1.36.3"), one for each minor.
	Versions() []string

	// Lacks lists the features of a real node that its clusters do not have,
	// by the names of the conformance catalogue ("container-images").
	Lacks() []string

	// Host says what of this machine decides how clusters run on it, one fact an
	// element, for reports.
	Host(ctx context.Context) []string

	// Resumes says whether the data and keys of a cluster outlive its Delete.
	Resumes() bool

	// Prepare makes and caches whatever a cluster of that version needs
	// (binaries, images), so that Start is quick. It says what it is doing,
	// one line at a time. Calling it again is cheap. version is a minor
	// ("1.36") or a full version; an unknown one is an *UnknownVersionError.
	Prepare(ctx context.Context, version string, say func(line string)) error

	// Start runs a control plane and returns when its API answers and the
	// controllers work. When it fails nothing is left running. An engine that
	// Resumes brings back what a former cluster of the same name left in spec.Dir.
	Start(ctx context.Context, spec Spec) (Cluster, error)
}

// Spec describes a cluster.
type Spec struct {
	// Name is unique on the machine; lower-case letters, digits and dashes.
	Name string
	// Version is a minor ("1.36") or a full version ("1.36.3").
	Version string
	// Dir holds the cluster's keys, data and logs (mode 0700). The caller
	// makes it and removes it; the engine writes nowhere else but its cache.
	Dir string
	// Issuers are the values of `iss` the API server accepts; it signs with
	// the first. Empty means https://kubernetes.default.svc.cluster.local.
	Issuers []string
	// Authenticator, if set, decides bearer tokens that the API server does
	// not know (a TokenReview webhook).
	Authenticator *Authenticator
	// Log receives the engine's own lines; the components' logs are in Dir.
	Log io.Writer
}

// Authenticator is a TokenReview webhook (authentication.k8s.io/v1). kube-apiserver
// itself reuses an acceptance for 10 s, which no flag changes: a revoked token lives
// on that long.
type Authenticator struct {
	URL string
	// CA is the PEM bundle that the webhook's certificate is verified with.
	CA []byte
}

// Cluster is a running cluster.
type Cluster interface {
	// Endpoint is the URL of the API server, with an address of this machine.
	Endpoint() string
	// InternalEndpoint is its URL for the cluster's own network, such as pods, if that
	// is another one.
	InternalEndpoint() string
	// CA is the PEM certificate the API server's certificate is verified with.
	CA() []byte
	// Version is the full version it runs, without the v.
	Version() string
	// Admin is a client configuration with every right (a client certificate).
	Admin() *rest.Config

	// JWKS is the key set of the service account issuer, as the API server
	// serves it at /openid/v1/jwks.
	JWKS(ctx context.Context) ([]byte, error)
	// SetIssuers restarts the API server with other issuers and returns when
	// it answers again. The signing key stays.
	SetIssuers(ctx context.Context, issuers []string) error

	// AddNode adds a schedulable node and returns its name when it is Ready.
	AddNode(ctx context.Context, node NodeSpec) (name string, err error)
	// RemoveNode ends the node's pods and removes it; an unknown one is no error.
	RemoveNode(ctx context.Context, name string) error
	// RestartNode reboots a node that was added and returns when it can run pods again.
	// Those that it had come back by and by, in new containers. The error is an
	// errors.ErrUnsupported where the engine lacks "node-reboot".
	RestartNode(ctx context.Context, name string) error

	// CollectLogs copies the logs of all components and nodes into dir.
	CollectLogs(ctx context.Context, dir string) error
	// Delete ends every process of the cluster. It may be called twice.
	Delete(ctx context.Context) error
}

// NodeSpec describes a node.
type NodeSpec struct {
	// Name is what the node is to be called. An engine whose nodes have names of
	// their own calls it otherwise, and says how.
	Name   string
	Labels map[string]string
	// Egress says what pods on the node can reach beside the cluster itself.
	// Nil means nothing: no internet, and none of the names.
	Egress *Egress
	// Metadata answers what pods on the node ask of http://169.254.169.254. A request's
	// RemoteAddr is the pod's address. Nil: nobody is there.
	Metadata http.Handler
}

// MetadataAddress is where programs in a cloud ask for their identity.
const MetadataAddress = "169.254.169.254"

// Egress is a node's way out.
type Egress struct {
	// Hosts gives host names addresses on this machine ("127.3.2.1:443"). A pod
	// reaches NAME:443 there, under the real name, without editing its manifest.
	Hosts map[string]string
	// CABundle (PEM) is what programs in the pod trust: the certificates of Hosts
	// and the public ones.
	CABundle []byte
}

// UnknownVersionError says that an engine cannot run a version.
type UnknownVersionError struct {
	Engine, Version string
	Known           []string
}

// Durations of the engine's own steps, for a progress line ("usually 10 s").
// They bound nothing.
const (
	UsualStart = 10 * time.Second
	UsualNode  = 2 * time.Second
)
