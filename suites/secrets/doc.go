// Package secrets decides what Lockbox gives out of a secret: the same payload by
// REST and by gRPC, of the version that is asked for, and nothing of what is
// deactivated, destroyed or encrypted with a key that the reader has no role for.
package secrets
