// Package access decides who may do what in the mock cloud: roles and the
// permissions they hold, access bindings on resources, folders and the cloud
// with a propagation delay, and IAM tokens.
package access
