// Package redact takes secrets out of text before it is written: values that
// were registered, in every encoding that they are likely to appear in, and
// whatever looks like a token or a private key.
//
// The journal and every log writer of a run use it, so that a forgotten %v
// cannot publish a token.
package redact
