package exchange

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// errorCodes are the codes that a refusal can have: of any request to a token
// endpoint (RFC 6749 section 5.2), of an exchange (RFC 8693 section 2.2.2), and the
// one that says that the answer is no (RFC 6749 section 4.1.2.1).
var errorCodes = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"invalid_target", "access_denied",
}

// Breaches says, a sentence each, in what a refusal is not as RFC 6749 and
// RFC 8693 have it.
func (e *Refusal) Breaches() []string {
	var found []string
	if !slices.Contains(errorCodes, e.Code) {
		found = append(found, fmt.Sprintf("its error %q is none of %s", e.Code, strings.Join(errorCodes, ", ")))
	}
	if strings.TrimSpace(e.Description) == "" {
		found = append(found, "it has no error_description")
	}
	if e.Echo {
		found = append(found, "it repeats the subject token, or a part of it")
	}
	return found
}

// telling is the number of characters from which on a part of a token is found in
// an answer by no accident.
const telling = 16

// parts are the token, and what of it would tell it.
func (t Token) parts() []string {
	parts := append([]string{t.Reveal()}, strings.Split(t.Reveal(), ".")...)
	return slices.DeleteFunc(parts, func(part string) bool { return len(part) < telling })
}

// within says whether the token, or one of its parts, is in an answer.
func (t Token) within(answer []byte) bool {
	return slices.ContainsFunc(t.parts(), func(part string) bool { return bytes.Contains(answer, []byte(part)) })
}

// cut takes the token and its parts out of a text.
func (t Token) cut(text string) string {
	for _, part := range t.parts() {
		text = strings.ReplaceAll(text, part, hidden)
	}
	return text
}

// subjectToken is the one that a form has; a body of another kind has none.
func subjectToken(content string) Token {
	form, _ := url.ParseQuery(content) // what can be read is read
	return Token(form.Get("subject_token"))
}
