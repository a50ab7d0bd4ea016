// Package lifecycle follows the identity of a cluster over the cluster's life:
// workload identity federation is enabled on a cluster that was made without, the
// cluster is stopped and started, upgraded, and deleted.
package lifecycle
