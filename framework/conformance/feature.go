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
	}
}
