// Package cloud is a Yandex Cloud as the rest of the harness sees it: one typed
// client for each API that the tutorial's resources need, operations that are
// waited for, and errors that were classed once.
//
// It is built on go-sdk v2 with the SDK's own discovery, TLS and credentials, so
// which cloud it is depends on three things only: the endpoint, the credentials
// and the certificates the process trusts (SSL_CERT_FILE). It retries what can
// safely be repeated, with the same idempotency key: UNAVAILABLE, RESOURCE_EXHAUSTED
// that says when to come back, and once UNAUTHENTICATED with a new token. Nothing else.
package cloud
