// Package run is what all specs of a run share: its configuration, its journal,
// the target that was provisioned, and the connections to it. The suite opens it
// before the tree of specs is built and fills in the target before the first
// spec runs.
package run
