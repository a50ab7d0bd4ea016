// Package cluster is a Kubernetes cluster as suites and the provisioner see it:
// a client configuration made from an endpoint and a token source or from a
// kubeconfig, typed clients on top of it, and the few things that are done to a
// cluster itself (namespaces, the tutorial's service account, its issuer).
//
// What runs in the cluster is the business of framework/workload.
package cluster
