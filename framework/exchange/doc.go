// Package exchange is a client of the OAuth 2.0 token exchange (RFC 8693) that
// the cloud offers at https://auth.yandex.cloud/oauth/token, and a reader of the
// claims of the tokens that go in, which explains why one is refused.
//
// It keeps apart what a suite must tell apart: a token, a refusal (a 4xx with an
// OAuth error), an answer that is neither, a failing server and a network that
// did not answer. It never prints a token.
package exchange
