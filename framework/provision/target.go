package provision

import (
	"context"
	"slices"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/cloud"
	"github.com/wlif-conformance/wlif-conformance/framework/config"
)

// Target is what was provisioned or found: everything that a spec needs to know,
// as typed JSON that goes from one test process to the others. It holds no secret.
type Target struct {
	RunID    string            `json:"run_id"`
	FolderID string            `json:"folder_id"`
	Labels   map[string]string `json:"labels"`

	// Empty for an existing cluster.
	NetworkID       string `json:"network_id,omitempty"`
	SubnetID        string `json:"subnet_id,omitempty"`
	SecurityGroupID string `json:"security_group_id,omitempty"`

	Cluster   Cluster `json:"cluster"`
	Namespace string  `json:"namespace"`
	// KSA is the Kubernetes service account's name, Subject its `sub`.
	KSA     string `json:"ksa"`
	Subject string `json:"subject"`

	FederationID   string `json:"federation_id"`
	FederationName string `json:"federation_name"`
	// ServiceAccountID is the IAM service account that pods become.
	ServiceAccountID   string `json:"service_account_id"`
	ServiceAccountName string `json:"service_account_name"`
	// Given are the steps that found what the user brought and made nothing: it is not
	// to be changed, and stays.
	Given []string `json:"given,omitempty"`
	// Accounts are the ids of all service accounts that the run made, the cluster's and
	// the nodes' too, for an Inventory after they are gone.
	Accounts []string `json:"accounts"`
	// Role is what it has on the folder.
	Role            string `json:"role"`
	CredentialID    string `json:"credential_id"`
	SecretID        string `json:"secret_id"`
	SecretName      string `json:"secret_name"`
	SecretVersionID string `json:"secret_version_id"`
}

// IsGiven reports whether a step found what the user brought.
func (t *Target) IsGiven(step string) bool { return slices.Contains(t.Given, step) }

// Cluster is the target's Kubernetes cluster.
type Cluster struct {
	// Existing is true for the user's own.
	Existing bool `json:"existing"`
	// ID and Name are empty for a cluster that is known by a kubeconfig only.
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Version is what the cloud says the control plane runs.
	Version        string `json:"version,omitempty"`
	ReleaseChannel string `json:"release_channel,omitempty"`
	NodeGroupID    string `json:"node_group_id,omitempty"`
	Issuer         string `json:"issuer"`
	JWKSURL        string `json:"jwks_url"`
	// Endpoint and CA (PEM) of the Kubernetes API; or the path of a kubeconfig.
	Endpoint   string `json:"endpoint,omitempty"`
	CA         string `json:"ca,omitempty"`
	Kubeconfig string `json:"kubeconfig,omitempty"`
}

// The tutorial's names and values.
const (
	KSAName     = "wlif"
	SecretKey   = "test-secret"
	SecretValue = "hello-world"
	// RolePayloadViewer lets the service account read the secret's content.
	RolePayloadViewer = "lockbox.payloadViewer"
)

// KubeAccess is how to reach a cluster's API: a kubeconfig, or an endpoint and a
// CA with IAM tokens as bearer tokens.
type KubeAccess struct {
	Kubeconfig string
	Endpoint   string
	CA         []byte
	// Token gives a token that is good for the next minute.
	Token func(ctx context.Context) (config.Secret, error)
}

// Kubernetes is the little that provisioning needs of a cluster's API. Errors
// say what was being done.
type Kubernetes interface {
	// CreateNamespace and CreateServiceAccount succeed if it is there already.
	CreateNamespace(ctx context.Context, name string, labels map[string]string) error
	CreateServiceAccount(ctx context.Context, namespace, name string) error
	// DeleteNamespace returns when it is gone; one that is not there is gone.
	DeleteNamespace(ctx context.Context, name string) error
	// Namespaces lists the names of those that have the label.
	Namespaces(ctx context.Context, label, value string) ([]string, error)
	// OIDC reads issuer and jwks_uri of /.well-known/openid-configuration.
	OIDC(ctx context.Context) (issuer, jwksURL string, err error)
}

// Dial opens the API of a cluster. It is called once for each run.
type Dial func(ctx context.Context, a KubeAccess) (Kubernetes, error)

// Options of Provision.
type Options struct {
	Config *config.Config
	Client *cloud.Client
	Ledger *Ledger
	// Dial opens the cluster's API.
	Dial Dial
	// On is told of every change; nil: nobody.
	On Listener
}

// TeardownOptions of Teardown.
type TeardownOptions struct {
	Config *config.Config
	Client *cloud.Client
	Ledger *Ledger
	// Dial opens the API of a cluster that stays, to delete namespaces in it; nil:
	// they are reported as left.
	Dial Dial
	On   Listener
}

// Outcome is what a teardown did.
type Outcome struct {
	Deleted []Resource `json:"deleted"`
	// Left is what the inventory still found, with the reason where one is known.
	Left []Leftover `json:"left"`
	// Took is the wall time.
	Took  time.Duration `json:"took_ns"`
	Spans []Span        `json:"spans,omitempty"`
}
