// Package metadata checks the IAM tokens that pods get from the metadata address of their
// node: whose they are, and who gets none.
package metadata
