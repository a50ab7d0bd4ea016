package config

// Cloud names of the key `cloud`.
const (
	CloudMock   = "mock"
	CloudYandex = "yandex"
)

// Cluster names of the key `cluster`.
const (
	ClusterEmbedded = "embedded" // the mock's Managed Kubernetes runs it on this machine
	ClusterKind     = "kind"     // likewise, as containers of Docker's
	ClusterManaged  = "managed"  // created in the real cloud, and deleted
	ClusterExisting = "existing" // the user's own: never changed, never deleted
)

// Config is the whole configuration of a run. Load fills it; a JSON form
// without secrets goes to the suite (Save, LoadResolved).
type Config struct {
	// Cloud and Cluster say what is tested (CloudMock, ClusterEmbedded, ...).
	// Only the launcher looks at Cloud; the suite sees an endpoint.
	Cloud   string `json:"cloud"`
	Cluster string `json:"cluster"`

	// Endpoint is the gRPC discovery endpoint, host:port.
	Endpoint string `json:"endpoint"`
	// TokenEndpoint is the URL of the RFC 8693 exchange.
	TokenEndpoint string `json:"token_endpoint"`
	// StorageEndpoint is the URL of the S3 API.
	StorageEndpoint string `json:"storage_endpoint"`
	// PayloadEndpoint is the base URL of Lockbox's payload REST API.
	PayloadEndpoint string `json:"payload_endpoint"`
	CloudID         string `json:"cloud_id"`
	FolderID        string `json:"folder_id"`
	// OtherFolderID is a second folder of the cloud, for what is checked across
	// folders; empty means that there is none.
	OtherFolderID string `json:"other_folder_id"`
	Zone          string `json:"zone"`

	// K8sVersion is a minor ("1.36"). Empty means the newest the cloud offers in
	// the release channel.
	K8sVersion     string `json:"k8s_version"`
	ReleaseChannel string `json:"release_channel"`
	Node           Node   `json:"node"`

	WebHost WebHost `json:"web_host"`

	// The user's own resources: looked up, never changed or deleted.
	ClusterID  string `json:"cluster_id"`
	Kubeconfig string `json:"kubeconfig"`
	// OtherClusterID is a second cluster, whose tokens must be refused.
	OtherClusterID string `json:"other_cluster_id"`
	// InternalEndpoint reaches the API of Managed Kubernetes clusters from inside their
	// network.
	InternalEndpoint bool `json:"internal_endpoint"`
	// Issuer and JWKSURL complete a Kubeconfig whose API server's own discovery
	// document names addresses that the cloud cannot reach.
	Issuer    string `json:"issuer"`
	JWKSURL   string `json:"jwks_url"`
	NetworkID string `json:"network_id"`
	SubnetID  string `json:"subnet_id"`
	// SecurityGroupID is that of master and nodes.
	SecurityGroupID string `json:"security_group_id"`
	// ClusterServiceAccountID and NodeServiceAccountID are those of a created cluster.
	ClusterServiceAccountID string `json:"cluster_service_account_id"`
	NodeServiceAccountID    string `json:"node_service_account_id"`
	// ServiceAccountID, FederationID and SecretID take the place of those that the
	// tutorial makes.
	ServiceAccountID string `json:"service_account_id"`
	FederationID     string `json:"federation_id"`
	SecretID         string `json:"secret_id"`
	// Regional asks for a created cluster whose control plane is in three zones.
	Regional bool `json:"regional"`
	// SubnetCIDR is the range of a subnet that the run creates.
	SubnetCIDR string `json:"subnet_cidr"`

	// NamespacePrefix begins the name of every Kubernetes namespace of the run.
	NamespacePrefix string   `json:"namespace_prefix"`
	Profile         string   `json:"profile"`
	Requirements    []string `json:"requirements"`
	LabelFilter     string   `json:"label_filter"`
	// Slow adds the checks that take minutes of waiting.
	Slow bool `json:"slow"`
	// SecondCluster allows the run to create a second managed cluster.
	SecondCluster bool `json:"second_cluster"`
	// Lacks names features of the catalogue that the target lacks, where that cannot
	// be detected.
	Lacks []string `json:"lacks"`
	// Procs is the number of parallel Ginkgo processes.
	Procs    int      `json:"procs"`
	Timeouts Timeouts `json:"timeout"`
	Keep     bool     `json:"keep"`
	Out      string   `json:"out"`
	// RunTTL is how long after the start other people's sweep leaves the run alone.
	RunTTL Duration `json:"run_ttl"`
	// MaxCost is what a run may cost an hour, in the currency of the price table; empty
	// is no limit.
	MaxCost string `json:"max_cost"`
	// Usual says how long methods usually take, by full gRPC method name without
	// the leading slash; "*" is every other method. It bounds nothing.
	Usual map[string]Duration `json:"usual"`

	// The mock, when this run starts one.
	MockSettings string `json:"mock_settings"`
	MockListen   string `json:"mock_listen"`
	MockState    string `json:"mock_state"`
	// ForgingKeys is the path of a stock of keys, see issuer.ReadStock.
	ForgingKeys string `json:"forging_keys"`
	// AuditLog is the path of the audit log of a mock that was there before.
	AuditLog string `json:"audit_log"`

	// Credentials never leave the process in any printed form.
	Credentials Credentials `json:"-"`
	// ExpiredToken is an IAM token that has expired, for the check that it is
	// refused.
	ExpiredToken Secret `json:"-"`

	// Origins says where each key's value came from, for doctor and messages.
	Origins map[string]string `json:"origins"`
}

// Node describes the nodes of a created node group.
type Node struct {
	Platform string `json:"platform"`
	Cores    int    `json:"cores"`
	// MemoryGiB and DiskGiB are in GiB.
	MemoryGiB   int    `json:"memory"`
	DiskGiB     int    `json:"disk"`
	DiskType    string `json:"disk_type"`
	Preemptible bool   `json:"preemptible"`
}

// WebHost is where the run may serve what the cloud fetches.
type WebHost struct {
	// Address is the host, or host:port, under which the cloud reaches it; without a
	// port it is the one that was free.
	Address string `json:"address"`
	// Listen is the address to listen on.
	Listen string `json:"listen"`
	// Certificate and Key are paths (PEM); the cloud must trust the certificate.
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// Timeouts are the named bounds of everything that is waited for.
type Timeouts struct {
	ClusterCreate   Duration `json:"cluster_create"`
	ClusterDelete   Duration `json:"cluster_delete"`
	NodeGroupCreate Duration `json:"node_group_create"`
	NodeGroupDelete Duration `json:"node_group_delete"`
	// Operation bounds the operation of every other kind of resource.
	Operation Duration `json:"operation"`
	// Delete bounds the deletion of every other kind of resource.
	Delete Duration `json:"delete"`
	// Provision bounds the creation of the whole target.
	Provision Duration `json:"provision"`
	// Teardown bounds the deletion of the whole target, in a context of its own.
	Teardown Duration `json:"teardown"`
	// Call bounds one API call, its retries included.
	Call        Duration `json:"call"`
	PodRunning  Duration `json:"pod_running"`
	Exec        Duration `json:"exec"`
	Exchange    Duration `json:"exchange"`
	Propagation Duration `json:"propagation"`
	// MockStart bounds the start of the mock, the preparation of its cluster
	// binaries (built from source where they cannot be downloaded) included.
	MockStart Duration `json:"mock_start"`
}

// Credentials are the four ways of saying who calls the API. At most one is set.
type Credentials struct {
	// Token is an OAuth token, or an IAM token (t1.).
	Token Secret `json:"-"`
	// IAMToken is an IAM token.
	IAMToken Secret `json:"-"`
	// KeyFile is the path of a service account's authorized key (JSON).
	KeyFile string `json:"service_account_key_file"`
	// InstanceMetadata takes the token of the virtual machine this runs on.
	InstanceMetadata bool `json:"instance_metadata"`
}

// Given reports whether any way was chosen.
func (c Credentials) Given() bool { return len(c.ways()) > 0 }

func (c Credentials) ways() []string {
	var out []string
	if !c.Token.IsZero() {
		out = append(out, "YC_TOKEN")
	}
	if !c.IAMToken.IsZero() {
		out = append(out, "YC_IAM_TOKEN")
	}
	if c.KeyFile != "" {
		out = append(out, "YC_SERVICE_ACCOUNT_KEY_FILE")
	}
	if c.InstanceMetadata {
		out = append(out, "instance_metadata")
	}
	return out
}
