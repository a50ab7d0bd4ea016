// Package signing has accounts of a cluster whose tokens checks look at or present:
// a Kubernetes service account, and an IAM service account that it may act as
// through a federation which trusts the cluster.
package signing
