// Package issuer looks at the cluster as an OIDC provider: what its issuer
// publishes for everybody, what the tokens of its service accounts say, and how
// pods come by them.
package issuer
