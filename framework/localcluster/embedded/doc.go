// Package embedded is the localcluster engine that needs neither Docker nor, for
// the control plane, root: etcd, kube-apiserver, kube-controller-manager and
// kube-scheduler are child processes of this one, and a node is an agent
// in this process (package nodeagent). Controllers of disks, devices, metrics, nodes'
// certificates, quotas, disruption budgets and replication controllers do not run.
//
// A cluster listens on a loopback address of its own, and nothing of it outlives
// this process.
package embedded
