// Package clients exchanges tokens with what applications use: curl, the Go SDK with
// a credential that reads the projected token, and the OAuth 2.0 client of
// golang.org/x/oauth2. What they get must open a secret.
package clients
