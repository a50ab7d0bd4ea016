// Package mk8s is the mock's Managed Kubernetes. Its clusters are really running:
// a localcluster.Engine starts them, and their workload identity federation is the
// API server's own issuer and signing key, whose key set is published in object
// storage. IAM tokens are good at their API servers through a webhook.
package mk8s
