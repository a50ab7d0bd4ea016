// Package payload reads the payloads of Lockbox secrets by REST, as applications
// and the tutorial's curl do. It keeps an answer as it came, so that a check can
// look at what a typed client hides: the status, the headers, the form of the JSON.
package payload
