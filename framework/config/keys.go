package config

import (
	"cmp"
	"strings"
)

// Key is one row of the table that drives the file, the environment, the flags,
// the help text and the messages.
type Key struct {
	// Name is the key in the YAML file; a dot is a level ("timeout.delete").
	Name string
	// Env is the environment variable.
	Env string
	// Flag is the flag without dashes. Secrets have none: the arguments of a
	// process are readable by everyone on the machine.
	Flag string
	// Group is the heading the key stands under in a help text.
	Group string
	// Help is one sentence, with the unit where there is one.
	Help string
	// Default is the default as one would write it.
	Default string

	field field
}

// Allowed lists the values, if they can be listed.
func (k Key) Allowed() []string { return k.field.allowed() }

// Secret reports whether the value must not be printed, written to a file or
// given as a flag.
func (k Key) Secret() bool { _, ok := k.field.(secretField); return ok }

// Boolean reports whether the flag needs no value.
func (k Key) Boolean() bool { _, ok := k.field.(boolField); return ok }

// repeatable reports whether each use of the flag adds to the value.
func (k Key) repeatable() bool { _, ok := k.field.(listField); return ok }

// Groups of keys, in the order of a help text.
const (
	groupTarget    = "Target"
	groupAccess    = "Access to the cloud"
	groupExisting  = "Your own resources (looked up, never changed, never deleted)"
	groupResources = "What is created"
	groupSelection = "What is run"
	groupRun       = "The run"
	groupTimeouts  = "Timeouts"
	groupMock      = "The mock cloud"
)

// Keys returns the table, in the order of a help text.
func Keys() []Key { return append([]Key(nil), table...) }

// envNames holds the variables whose names other tools already know; they are
// the Terraform provider's. Every other key's is WLIF_ and the name in capitals.
var envNames = map[string]string{
	"token":                    "YC_TOKEN",
	"iam_token":                "YC_IAM_TOKEN",
	"service_account_key_file": "YC_SERVICE_ACCOUNT_KEY_FILE",
	"cloud_id":                 "YC_CLOUD_ID",
	"folder_id":                "YC_FOLDER_ID",
	"endpoint":                 "YC_ENDPOINT",
	"zone":                     "YC_ZONE",
	"storage_endpoint":         "YC_STORAGE_ENDPOINT_URL",
}

// flagNames holds the flags that are not named after their key: one that may be
// repeated names one thing.
var flagNames = map[string]string{"requirements": "requirement"}

func key(group, name, def, help string, f field) Key {
	k := Key{Name: name, Group: group, Default: def, Help: help, field: f}
	k.Env = envNames[name]
	if k.Env == "" {
		k.Env = envPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
	}
	if !k.Secret() {
		k.Flag = cmp.Or(flagNames[name], strings.NewReplacer(".", "-", "_", "-").Replace(name))
	}
	return k
}

func timeout(name, def, help string, f func(*Config) *Duration) Key {
	return key(groupTimeouts, "timeout."+name, def, help, durationField(f))
}

// table is assembled from the groups so that none of them outgrows a screen.
var table = concat(targetKeys(), accessKeys(), existingKeys(), resourceKeys(), selectionKeys(), runKeys(), timeoutKeys(), mockKeys())

func concat(groups ...[]Key) []Key {
	var out []Key
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

func targetKeys() []Key {
	return []Key{
		key(groupTarget, "cloud", CloudMock, "which cloud: the mock on this machine, or the real one",
			enumField{func(c *Config) *string { return &c.Cloud }, []string{CloudMock, CloudYandex}}),
		key(groupTarget, "cluster", "", "which cluster (default: embedded on the mock, managed on the real cloud)",
			enumField{func(c *Config) *string { return &c.Cluster }, []string{ClusterEmbedded, ClusterKind, ClusterManaged, ClusterExisting}}),
		key(groupTarget, "endpoint", "", "API discovery endpoint, host:port (default: "+DefaultEndpoint+", or the mock this run starts)",
			textField(func(c *Config) *string { return &c.Endpoint })),
		key(groupTarget, "token_endpoint", "https://auth.yandex.cloud/oauth/token", "URL of the token exchange (RFC 8693)",
			textField(func(c *Config) *string { return &c.TokenEndpoint })),
		key(groupTarget, "storage_endpoint", "https://storage.yandexcloud.net", "URL of the object storage's S3 API",
			textField(func(c *Config) *string { return &c.StorageEndpoint })),
		key(groupTarget, "payload_endpoint", "https://payload.lockbox.api.cloud.yandex.net", "base URL of Lockbox's payload REST API",
			textField(func(c *Config) *string { return &c.PayloadEndpoint })),
		key(groupTarget, "cloud_id", "", "the cloud the folder is in", textField(func(c *Config) *string { return &c.CloudID })),
		key(groupTarget, "folder_id", "", "the folder everything is created in", textField(func(c *Config) *string { return &c.FolderID })),
		key(groupTarget, "other_folder_id", "", "a second folder of the same cloud, for checks across folders (default: that of the mock this run starts)",
			textField(func(c *Config) *string { return &c.OtherFolderID })),
		key(groupTarget, "internal_endpoint", "false", "reach the cluster's API under its address inside its network (default: the public one, if it has one)",
			boolField(func(c *Config) *bool { return &c.InternalEndpoint })),
		key(groupTarget, "zone", "ru-central1-a", "availability zone of subnet, cluster and nodes",
			textField(func(c *Config) *string { return &c.Zone })),
	}
}

func accessKeys() []Key {
	return []Key{
		key(groupAccess, "token", "", "OAuth or IAM token; only from the environment",
			secretField(func(c *Config) *Secret { return &c.Credentials.Token })),
		key(groupAccess, "iam_token", "", "IAM token; only from the environment",
			secretField(func(c *Config) *Secret { return &c.Credentials.IAMToken })),
		key(groupAccess, "service_account_key_file", "", "path of a service account's authorized key (JSON)",
			textField(func(c *Config) *string { return &c.Credentials.KeyFile })),
		key(groupAccess, "instance_metadata", "false", "take the token of the virtual machine this runs on",
			boolField(func(c *Config) *bool { return &c.Credentials.InstanceMetadata })),
		key(groupAccess, "expired_token", "", "an IAM token that has expired, to see it refused; only from the environment",
			secretField(func(c *Config) *Secret { return &c.ExpiredToken })),
	}
}

func existingKeys() []Key {
	return []Key{
		key(groupExisting, "cluster_id", "", "with --cluster existing: a Managed Kubernetes cluster with workload identity federation enabled",
			textField(func(c *Config) *string { return &c.ClusterID })),
		key(groupExisting, "kubeconfig", "", "with --cluster existing: path of a kubeconfig of any cluster",
			textField(func(c *Config) *string { return &c.Kubeconfig })),
		key(groupExisting, "issuer", "", "with --kubeconfig: issuer of its tokens (default: its discovery document's)",
			textField(func(c *Config) *string { return &c.Issuer })),
		key(groupExisting, "jwks_url", "", "with --kubeconfig: URL of its public keys, as the cloud reaches it (default: its discovery document's)",
			textField(func(c *Config) *string { return &c.JWKSURL })),
		key(groupExisting, "other_cluster_id", "", "a second Managed Kubernetes cluster with workload identity federation, whose tokens must be refused; without it a check creates one, if second_cluster allows it",
			textField(func(c *Config) *string { return &c.OtherClusterID })),
		key(groupExisting, "network_id", "", "an existing network; subnet and the rest are created in it",
			textField(func(c *Config) *string { return &c.NetworkID })),
		key(groupExisting, "subnet_id", "", "an existing subnet, whose nodes must reach the internet; no gateway is created",
			textField(func(c *Config) *string { return &c.SubnetID })),
		key(groupExisting, "security_group_id", "", "an existing security group of master and nodes, in network_id or the network of subnet_id",
			textField(func(c *Config) *string { return &c.SecurityGroupID })),
		key(groupExisting, "cluster_service_account_id", "", "an existing service account of the created cluster, with its roles",
			textField(func(c *Config) *string { return &c.ClusterServiceAccountID })),
		key(groupExisting, "node_service_account_id", "", "an existing service account of the created nodes, with its roles",
			textField(func(c *Config) *string { return &c.NodeServiceAccountID })),
		key(groupExisting, "service_account_id", "", "an existing service account that the tutorial's pod becomes, with lockbox.payloadViewer on the folder; the run links its pod to it for as long as it lasts",
			textField(func(c *Config) *string { return &c.ServiceAccountID })),
		key(groupExisting, "federation_id", "", "with --cluster existing: a federation that trusts this cluster's issuer",
			textField(func(c *Config) *string { return &c.FederationID })),
		key(groupExisting, "secret_id", "", "an existing Lockbox secret that the tutorial's pod reads; its content is not shown",
			textField(func(c *Config) *string { return &c.SecretID })),
	}
}

func resourceKeys() []Key {
	return []Key{
		key(groupResources, "k8s_version", "", "Kubernetes minor version, 1.30 or higher (default: 1.36 on the mock, the newest on offer on the real cloud)",
			textField(func(c *Config) *string { return &c.K8sVersion })),
		key(groupResources, "release_channel", "rapid", "release channel of the cluster",
			enumField{func(c *Config) *string { return &c.ReleaseChannel }, []string{"rapid", "regular", "stable"}}),
		key(groupResources, "regional", "false", "a control plane in three zones (regional cluster), with a subnet in each; it costs more",
			boolField(func(c *Config) *bool { return &c.Regional })),
		key(groupResources, "subnet_cidr", "10.129.0.0/24", "address range of a created subnet; those of a regional cluster's other zones follow it",
			textField(func(c *Config) *string { return &c.SubnetCIDR })),
		key(groupResources, "node.platform", "standard-v3", "platform of the nodes",
			textField(func(c *Config) *string { return &c.Node.Platform })),
		key(groupResources, "node.cores", "2", "vCPUs of a node", intField{func(c *Config) *int { return &c.Node.Cores }, 2, 96}),
		key(groupResources, "node.memory", "4", "memory of a node, GiB", intField{func(c *Config) *int { return &c.Node.MemoryGiB }, 2, 640}),
		key(groupResources, "node.disk", "64", "disk of a node, GiB", intField{func(c *Config) *int { return &c.Node.DiskGiB }, 30, 4096}),
		key(groupResources, "node.disk_type", "network-ssd", "disk type of a node",
			textField(func(c *Config) *string { return &c.Node.DiskType })),
		key(groupResources, "node.preemptible", "false", "cheaper nodes that the cloud may stop at any time",
			boolField(func(c *Config) *bool { return &c.Node.Preemptible })),
		key(groupResources, "web_host.address", "", "host, or host:port, under which the cloud reaches a web server that the run starts, for key sets that cannot be had",
			textField(func(c *Config) *string { return &c.WebHost.Address })),
		key(groupResources, "web_host.listen", "127.0.0.1:0", "address that this web server listens on", textField(func(c *Config) *string { return &c.WebHost.Listen })),
		key(groupResources, "web_host.certificate", "", "path of its certificate (PEM), which the cloud must trust", textField(func(c *Config) *string { return &c.WebHost.Certificate })),
		key(groupResources, "web_host.key", "", "path of its private key (PEM)", textField(func(c *Config) *string { return &c.WebHost.Key })),
		key(groupResources, "namespace_prefix", "wlif", "beginning of the names of Kubernetes namespaces",
			textField(func(c *Config) *string { return &c.NamespacePrefix })),
	}
}

func selectionKeys() []Key {
	return []Key{
		key(groupSelection, "profile", "", "named set of requirements, see wlif catalogue (default: core, or full if requirements are given)", textField(func(c *Config) *string { return &c.Profile })),
		key(groupSelection, "requirements", "", "requirement id or glob such as exchange/*; may be repeated, or be a list separated by commas",
			listField(func(c *Config) *[]string { return &c.Requirements })),
		key(groupSelection, "label_filter", "", "Ginkgo label filter on top of that, such as 'must && !exchange'", textField(func(c *Config) *string { return &c.LabelFilter })),
		key(groupSelection, "slow", "false", "run the slow checks too, which wait for minutes", boolField(func(c *Config) *bool { return &c.Slow })),
		key(groupSelection, "second_cluster", "", "allow checks to create a second managed cluster (default: true on the mock, false on the real cloud, where it costs, and next to an existing one)",
			boolField(func(c *Config) *bool { return &c.SecondCluster })),
		key(groupSelection, "lacks", "", "features that the target lacks and that cannot be detected, such as kubelet; see wlif catalogue",
			listField(func(c *Config) *[]string { return &c.Lacks })),
		key(groupSelection, "procs", "2", "parallel test processes", intField{func(c *Config) *int { return &c.Procs }, 1, 64}),
	}
}

func runKeys() []Key {
	return []Key{
		key(groupRun, "keep", "false", "leave everything in place; wlif sweep --run ID deletes it", boolField(func(c *Config) *bool { return &c.Keep })),
		key(groupRun, "out", "reports/runs", "folder of the runs' reports", textField(func(c *Config) *string { return &c.Out })),
		key(groupRun, "run_ttl", "90m", "how long wlif sweep leaves the run's resources alone", durationField(func(c *Config) *Duration { return &c.RunTTL })),
		key(groupRun, "max_cost", "", "create nothing if a run costs more an hour, in RUB, or if nobody knows whether it does; a number (default: no limit)",
			textField(func(c *Config) *string { return &c.MaxCost })),
		key(groupRun, "usual", "", "usual durations for progress and the critical path, METHOD=DURATION separated by commas, * for the rest",
			mapField(func(c *Config) *map[string]Duration { return &c.Usual })),
	}
}

func timeoutKeys() []Key {
	return []Key{
		// Upper bounds of the Terraform provider: cluster create 30m and delete 20m,
		// node group create 60m and delete 20m.
		timeout("cluster_create", "30m", "creation of a cluster", func(c *Config) *Duration { return &c.Timeouts.ClusterCreate }),
		timeout("cluster_delete", "20m", "deletion of a cluster", func(c *Config) *Duration { return &c.Timeouts.ClusterDelete }),
		timeout("node_group_create", "60m", "creation of a node group", func(c *Config) *Duration { return &c.Timeouts.NodeGroupCreate }),
		timeout("node_group_delete", "20m", "deletion of a node group", func(c *Config) *Duration { return &c.Timeouts.NodeGroupDelete }),
		timeout("operation", "5m", "creation of any other resource", func(c *Config) *Duration { return &c.Timeouts.Operation }),
		timeout("delete", "5m", "deletion of any other resource", func(c *Config) *Duration { return &c.Timeouts.Delete }),
		timeout("provision", "95m", "creation of the whole target", func(c *Config) *Duration { return &c.Timeouts.Provision }),
		timeout("teardown", "50m", "deletion of the whole target", func(c *Config) *Duration { return &c.Timeouts.Teardown }),
		timeout("call", "1m", "one API call, its retries included", func(c *Config) *Duration { return &c.Timeouts.Call }),
		timeout("pod_running", "5m", "a pod's way to Running", func(c *Config) *Duration { return &c.Timeouts.PodRunning }),
		timeout("exec", "5m", "one command in a pod", func(c *Config) *Duration { return &c.Timeouts.Exec }),
		timeout("exchange", "30s", "one token exchange", func(c *Config) *Duration { return &c.Timeouts.Exchange }),
		timeout("propagation", "60s", "a change of rights to take effect", func(c *Config) *Duration { return &c.Timeouts.Propagation }),
		timeout("mock_start", "20m", "start of the mock, the making of its binaries included", func(c *Config) *Duration { return &c.Timeouts.MockStart }),
	}
}

func mockKeys() []Key {
	return []Key{
		key(groupMock, "mock_settings", "", "path of the mock's settings (YAML)", textField(func(c *Config) *string { return &c.MockSettings })),
		key(groupMock, "mock_listen", "", "address the mock listens on (default: a free loopback address)", textField(func(c *Config) *string { return &c.MockListen })),
		key(groupMock, "audit_log", "", "path of the audit log of a mock that this run did not start", textField(func(c *Config) *string { return &c.AuditLog })),
		key(groupMock, "forging_keys", "", "path of RSA keys that tokens are forged with instead of new ones, for many runs on one mock", textField(func(c *Config) *string { return &c.ForgingKeys })),
		key(groupMock, "mock_state", "", "path of a file that keeps the mock's state across restarts", textField(func(c *Config) *string { return &c.MockState })),
	}
}
