// Package access decides who may read the payload of a secret, by which role and
// with which token, and how long a change of rights takes.
package access
