// Package volume fills the folders that are a pod's volumes, as the kubelet does:
// tokens that are asked for the pod and renewed in time, config maps, secrets and the
// downward API, replaced all at once.
package volume
