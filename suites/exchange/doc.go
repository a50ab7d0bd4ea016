// Package exchange decides what the token endpoint accepts and refuses: one token
// or request at a time is changed in one thing, beside its twin without the change.
package exchange
