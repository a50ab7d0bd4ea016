// Package workload is what runs in a cluster: objects from manifests, pods and
// what they are doing, shells in their containers, and the evidence to keep when
// a pod does not do what it should.
//
// Functions that a spec waits on with Eventually are getters: they return what
// they found, and turn an error that asking again cannot help into
// gomega.StopTrying.
package workload
