// Package kubebin gets the programs of a Kubernetes control plane (kube-apiserver,
// kube-controller-manager, kube-scheduler and etcd) for a version, and keeps
// them in a cache of the user's: downloaded where the internet allows, else
// built once from the Kubernetes Go module.
package kubebin
