// Package oauth is the token endpoint of the mock cloud, POST
// https://auth.yandex.cloud/oauth/token: it exchanges a subject token for an IAM
// token (RFC 8693) if a federated credential of the service account links the
// token's subject, its federation's issuer and audience are the token's, and a key
// that the federation publishes verifies the signature.
//
// How an exchange is decided and answered is a policy, made anew for each: strict,
// and changed by the bugs that act in the folders it concerns.
//
// Each refusal has a reason of its own in the audit log; what is answered for it
// is the table of guesses' business.
package oauth
