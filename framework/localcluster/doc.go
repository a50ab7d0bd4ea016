// Package localcluster runs Kubernetes on this machine behind one small
// interface, so that the mock's Managed Kubernetes can hand out clusters that
// are really running. The engines live in packages of their own: embedded
// (a control plane of child processes and a small node agent) and kind.
//
// It knows nothing of any cloud: the caller says which issuers the API server
// signs for, which webhook authenticates bearer tokens, and which host names a
// pod can reach.
package localcluster
