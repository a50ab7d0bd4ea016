// Package trust reads from a cloud what decides whether it takes a token for a
// service account: the federation and the keys of its issuer, the account, and
// the federated credentials. It explains refusals; it changes nothing.
package trust
