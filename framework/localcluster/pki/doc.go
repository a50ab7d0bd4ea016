// Package pki makes the keys and certificates of a local cluster: authorities,
// which live in the cluster's folder as long as it does, and leaves, which are
// issued anew at every start.
package pki
