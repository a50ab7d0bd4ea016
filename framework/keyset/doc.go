// Package keyset reads what an OIDC issuer publishes, as everybody may: its key
// set (RFC 7517) and its discovery document (OpenID Connect Discovery 1.0). It says
// what is wrong with them, and verifies tokens with the keys, by another library
// than the mock's.
package keyset
