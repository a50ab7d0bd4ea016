package oauth

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
)

// The fixed values of the request (docs: "Exchange a JWT for an IAM token").
const (
	grantType          = "urn:ietf:params:oauth:grant-type:token-exchange"
	requestedTokenType = "urn:ietf:params:oauth:token-type:access_token"
	subjectTokenType   = "urn:ietf:params:oauth:token-type:id_token"
)

// maxBody bounds a request in bytes; a subject token is a few kilobytes.
const maxBody = 64 << 10

// maxRead bounds what is read of a request at all, whatever its policy.
const maxRead = 16 << 20

// request is a request whose body has been read, so that it can be looked at
// before it is known by which rules it is judged.
type request struct {
	*http.Request
	body []byte
	err  error
}

func receive(r *http.Request) *request {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRead))
	return &request{Request: r, body: body, err: err}
}

// peek is the first value of a parameter, wherever it is; the rest may be broken.
func (q *request) peek(name string) string {
	form, _ := url.ParseQuery(string(q.body)) // what can be read is read
	if value := form.Get(name); value != "" {
		return value
	}
	return q.URL.Query().Get(name)
}

// required are the parameters and the one value that some of them have.
var required = []struct {
	name, value string
	wrong       reason
}{
	{"grant_type", grantType, "grant-type"},
	{"requested_token_type", requestedTokenType, "requested-token-type"},
	{"audience", "", ""},
	{"subject_token", "", ""},
	{"subject_token_type", subjectTokenType, "subject-token-type"},
}

// form reads the parameters: "Parameters sent without a value MUST be treated as
// if they were omitted ... parameters MUST NOT be included more than once"
// (RFC 6749 3.2).
func (q *request) form(rules formRules) (url.Values, error) {
	if !slices.Contains(rules.methods, q.Method) {
		return nil, reason("method")
	}
	form, err := q.parameters(rules)
	if err != nil {
		return nil, err
	}
	for _, p := range required {
		values := form[p.name]
		switch {
		case len(values) == 0:
			values = []string{rules.missing[p.name]}
		case values[0] == "":
			values[0] = rules.empty[p.name]
		}
		switch {
		case len(values) > 1 && !rules.firstOfSeveral:
			return nil, reason("parameter-twice")
		case values[0] == "" && !slices.Contains(rules.optional, p.name):
			return nil, reason("parameter-missing")
		case p.value != "" && values[0] != p.value && !slices.Contains(rules.free, p.name):
			return nil, p.wrong
		}
		form[p.name] = values
	}
	return form, rules.acceptable(form)
}

// parameters are those of the body, or of the query of a method that has none.
func (q *request) parameters(rules formRules) (url.Values, error) {
	if q.Method != http.MethodPost {
		form := q.URL.Query()
		if len(form) == 0 {
			form, _ = url.ParseQuery(string(q.body)) // what can be read is read
		}
		return form, nil
	}
	if t, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || t != "application/x-www-form-urlencoded" {
		return nil, reason("content-type")
	}
	if len(q.body) > rules.maxBody {
		return nil, reason("token-too-large")
	}
	q.Body = io.NopCloser(bytes.NewReader(q.body))
	if err := q.ParseForm(); err != nil || q.err != nil {
		return nil, reason("malformed-body")
	}
	return q.PostForm, nil
}
