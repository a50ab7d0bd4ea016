// Package nodeimage provides the container images of the kind engine: the node image
// of a Kubernetes version, kindest/node:vVERSION, and those of test pods.
//
// Where a registry answers they are pulled. Where none does they are built, once,
// and kept by Docker: a root file system of Debian's packages, kind's own files for
// it, and the programs of Kubernetes, containerd and CoreDNS, compiled from their Go
// modules. All versions share one base image, so that another minor costs only its
// own programs. An image that was built has the label wlif.built=true.
//
// Docker is used through its command line and never started from here.
package nodeimage
