// Package provision makes the resources of the tutorial "Accessing the Yandex
// Cloud API from a Managed Service for Kubernetes cluster using a workload
// identity federation", as a dependency graph in which everything starts as soon
// as what it needs is there, and deletes them again.
//
// What is about to be created is written to a ledger first and what was created
// after, each with an fsync, so that a run that was killed can be swept: from its
// ledger, or from the labels and names that everything of ours carries. Resources
// that the user brought are looked up, never changed and never deleted.
package provision
