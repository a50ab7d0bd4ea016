package exchange

import (
	"encoding/json"
	"fmt"
)

// Token is a secret that formatting, JSON and error texts do not reveal.
type Token string

const hidden = "[token]"

// Reveal gives the token itself, for an Authorization header.
func (t Token) Reveal() string { return string(t) }

// String hides the token.
func (t Token) String() string { return hidden }

// Format hides the token from every verb, %x and %#v included.
func (t Token) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(hidden)) }

// MarshalJSON hides the token.
func (t Token) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }
