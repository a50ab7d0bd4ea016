package conformance

// Feature is something that a target may lack. Features are detected on the
// target or declared by it; a check names those it needs, and is
// NOT_SUPPORTED where one is absent.
type Feature string

const (
	// ManagedCluster: the cluster is one of the cloud's Managed Kubernetes, so
	// the cloud's API knows its issuer.
	ManagedCluster Feature = "managed-cluster"
	// ContainerImages: a pod runs the image it names. Without it a pod runs the
	// programs of the node.
	ContainerImages Feature = "container-images"
	// Kubelet: nodes run the real kubelet (token rotation, file permissions).
	Kubelet Feature = "kubelet"
	// SecondFolder: the run may use another folder of the same cloud, too.
	SecondFolder Feature = "second-folder"
	// SecondCluster: the run may create a second managed cluster.
	SecondCluster Feature = "second-cluster"
	// OtherCluster: there is a second managed cluster, or the run may create one.
	OtherCluster Feature = "other-cluster"
	// ClusterRestart: a cluster can be stopped, started and upgraded.
	ClusterRestart Feature = "cluster-restart"
	// NodeReboot: a node may be rebooted, because it is the run's own.
	NodeReboot Feature = "node-reboot"
	// KMS: secrets can be encrypted with a key of the user's own.
	KMS Feature = "kms"
	// ExpiredToken: an IAM token that has expired is at hand. Nobody can wait
	// twelve hours for one.
	ExpiredToken Feature = "expired-token"
	// WebHost: the cloud can fetch from a web server of the run, which may answer
	// as no storage would.
	WebHost Feature = "web-host"
	// ObjectStorage: there is a public object storage for an issuer's keys.
	ObjectStorage Feature = "object-storage"
	// AuditLog: the cloud tells why it refused a call.
	AuditLog Feature = "audit-log"
	// MetadataTokens: a node's metadata address hands IAM tokens to pods.
	MetadataTokens Feature = "metadata-tokens"
	// Terraform: the run may use OpenTofu or Terraform.
	Terraform Feature = "terraform"
)

// FeatureInfo describes a feature for a report's reader.
type FeatureInfo struct {
	Name        Feature `json:"name"`
	Description string  `json:"description"`
}

// Features lists every feature that the catalogue knows.
func Features() []FeatureInfo {
	return []FeatureInfo{
		{ManagedCluster, "the cluster belongs to the cloud's Managed Kubernetes"},
		{ContainerImages, "pods run the container image that they name"},
		{Kubelet, "nodes run the real kubelet"},
		{SecondFolder, "a second folder of the same cloud may be used"},
		{SecondCluster, "the run may create a second managed cluster"},
		{OtherCluster, "there is a second managed cluster, or the run may create one"},
		{ClusterRestart, "a managed cluster can be stopped, started and upgraded"},
		{NodeReboot, "a node may be rebooted"},
		{KMS, "secrets can be encrypted with a KMS key"},
		{ExpiredToken, "an expired IAM token is at hand"},
		{WebHost, "the cloud can fetch from a web server of the run"},
		{ObjectStorage, "an object storage publishes the keys of an issuer"},
		{AuditLog, "the cloud's audit log can be read"},
		{MetadataTokens, "the nodes' metadata address hands IAM tokens to pods"},
		{Terraform, "OpenTofu or Terraform can be used"},
	}
}
