// Package podspec reads a pod's specification as a kubelet does: environment,
// command line and downward API, and it tells what in it the node agent cannot do.
package podspec
