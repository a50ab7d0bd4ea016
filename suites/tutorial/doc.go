// Package tutorial walks through the public tutorial "Accessing the Yandex Cloud
// API from a Managed Service for Kubernetes cluster using a workload identity
// federation in Identity and Access Management"
// (https://yandex.cloud/en/docs/managed-kubernetes/tutorials/wlif-managed-k8s-integration):
// one spec for each of its steps, in its order, with its own manifests and shell
// commands.
package tutorial
