package transcript

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// hidden stands for a value that may be a secret.
	hidden = "[hidden]"
	// maxValue and maxBody bound, in bytes, a string inside of a body, and a body.
	maxValue = 600
	maxBody  = 4000
	// telling is the length, in bytes, from which on a part of a token is found in an
	// answer by no accident.
	telling = 16
)

// secretNames are fields of forms, of JSON and of protobuf's JSON whose values may
// be secrets, in lower case and without separators.
var secretNames = []string{
	"accesstoken", "idtoken", "subjecttoken", "actortoken", "refreshtoken", "iamtoken", "token", "jwt", "assertion", "clientassertion",
	"clientsecret", "privatekey", "secret", "password", "textvalue", "binaryvalue", "plaintext", "ciphertext", "kubeconfig", "yandexpassportoauthtoken",
}

var separators = strings.NewReplacer("_", "", "-", "")

func secret(name string) bool {
	return slices.Contains(secretNames, separators.Replace(strings.ToLower(name)))
}

// secretHeaders may hold credentials.
var secretHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Yacloud-Subjecttoken"}

// headers are those of a request or an answer, with one value for each name.
func headers(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		value := strings.Join(values, ", ")
		if slices.Contains(secretHeaders, name) {
			scheme, _, two := strings.Cut(value, " ")
			value = hidden
			if two && len(scheme) < telling {
				value = scheme + " " + hidden
			}
		}
		out[name] = cut(value, maxValue)
	}
	return out
}

// mask takes secrets out of bodies, and remembers what it took out of a request so
// that an answer that repeats a part of it does not show it.
type mask struct{ taken []string }

func (m *mask) take(value string) string {
	if value == "" {
		return ""
	}
	m.taken = append(m.taken, value)
	for _, part := range strings.Split(value, ".") {
		if len(part) >= telling {
			m.taken = append(m.taken, part)
		}
	}
	return hidden
}

// clean takes out of a text what was taken out before.
func (m *mask) clean(text string) string {
	for _, value := range m.taken {
		if len(value) >= telling {
			text = strings.ReplaceAll(text, value, hidden)
		}
	}
	return text
}

// body renders a body by its content type.
func (m *mask) body(contentType string, raw []byte) string {
	kind, _, _ := mime.ParseMediaType(contentType)
	switch {
	case len(raw) == 0:
		return ""
	case kind == "application/x-www-form-urlencoded":
		return m.form(string(raw))
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		if text, ok := m.json(raw); ok {
			return text
		}
	}
	return fmt.Sprintf("[%d bytes of %q, not shown]", len(raw), contentType)
}

// form renders a form, or a query, one field a line, decoded. What is not of that
// form is not quoted.
func (m *mask) form(raw string) string {
	var lines []string
	for pair := range strings.SplitSeq(raw, "&") {
		rawName, rawValue, ok := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		switch {
		case pair == "":
			continue
		case !ok || err != nil || err2 != nil:
			lines = append(lines, fmt.Sprintf("[%d bytes that are no field]", len(pair)))
			continue
		case secret(name):
			value = m.take(value)
		}
		lines = append(lines, name+" = "+cut(value, maxValue))
	}
	return cut(m.clean(strings.Join(lines, "\n")), maxBody)
}

// json renders JSON, indented.
func (m *mask) json(raw []byte) (string, bool) {
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&tree) != nil {
		return "", false
	}
	if _, scalar := tree.(string); scalar {
		return "", false
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if encoder.Encode(m.tree("", tree)) != nil {
		return "", false
	}
	return cut(strings.TrimSpace(out.String()), maxBody), true
}

func (m *mask) tree(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = m.tree(key, v[key])
		}
	case []any:
		for i := range v {
			v[i] = m.tree(name, v[i])
		}
	case string:
		if secret(name) {
			return m.take(v)
		}
		return cut(m.clean(v), maxValue)
	case json.Number:
		if secret(name) {
			return m.take(v.String())
		}
	}
	return value
}

// cut shortens a text to a number of bytes, at a character's border.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s… [%d bytes more]", text[:end], len(text)-end)
}
