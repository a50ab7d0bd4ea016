// Package issuer is an OIDC issuer of our own: it has keys of every usual kind,
// writes the key set that a federation fetches, and forges tokens claim by claim
// and header by header, so that expired, tampered and wrongly signed tokens need
// neither waiting nor luck.
//
// A token passes unless a Mutation changes it, and each mutation changes exactly
// one thing, so that a refusal has one possible reason. Keys and tokens are never
// printed. Publishing the key set is somebody else's.
package issuer
