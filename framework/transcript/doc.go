// Package transcript makes journal events of the requests that a run sends to its
// target and of what comes back: method, headers, bodies, status, request id.
//
// What may be a secret is taken out by its name (a token, a secret's value, a
// cookie) before the journal's own redaction by value and by pattern. A body in a
// format that has no names is described, and not quoted.
package transcript
