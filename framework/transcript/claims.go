package transcript

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// claims decodes the subject token of an exchange, without verifying it: header and
// payload as they were written, which a library for tokens would mend or refuse.
// It is nil where there is no token, or nothing that can be read.
func claims(request *http.Request, body []byte) *journal.Claims {
	content := string(body)
	if kind, _, _ := mime.ParseMediaType(request.Header.Get("Content-Type")); kind == "application/json" {
		var fields map[string]any
		_ = json.Unmarshal(body, &fields) // what can be read is read
		token, _ := fields["subject_token"].(string)
		return decode(token)
	}
	if request.Method == http.MethodGet {
		content = request.URL.RawQuery
	}
	form, _ := url.ParseQuery(content) // what can be read is read
	return decode(form.Get("subject_token"))
}

func decode(token string) *journal.Claims {
	parts := strings.Split(strings.TrimSpace(token), ".")
	if len(parts) != 3 {
		return nil
	}
	header, payload := segment(parts[0]), segment(parts[1])
	if header == nil || payload == nil {
		return nil
	}
	return &journal.Claims{Header: header, Payload: payload}
}

// segment is a part of a token as JSON, nil if it is none.
func segment(text string) json.RawMessage {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || !json.Valid(raw) || len(raw) > maxBody {
		return nil
	}
	return raw
}
