// Package nodeagent is a small stand-in for a kubelet: it registers a node, runs
// the pods that are scheduled to it as groups of host processes in namespaces
// of their own (package sandbox), and serves their logs and exec to the API server.
//
// It does what pods that exchange tokens need and no more. A pod that asks for
// something else fails, and its status says what was asked.
package nodeagent
