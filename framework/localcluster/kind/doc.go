// Package kind is the localcluster engine whose nodes are containers with a real
// kubelet and a real container runtime: clusters of sigs.k8s.io/kind, through its
// library.
//
// All containers of a cluster exist from its start; a worker waits cordoned until
// it is added as a node. They are in a Docker network of the engine's own. What
// runs on this machine (the cloud that pods reach, the webhook, the mirror of
// Docker's images) is reached through listeners on that network's gateway.
package kind
