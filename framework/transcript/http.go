package transcript

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/journal"
)

// maxRead bounds, in bytes, what is looked at of a body. The rest is passed on.
const maxRead = 1 << 20

// Transport passes requests on and tells Sink of each with its answer.
type Transport struct {
	// Next defaults to http.DefaultTransport.
	Next http.RoundTripper
	// Sink must be safe for concurrent use.
	Sink func(journal.Called)
}

// RoundTrip makes the request.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	sent, err := peek(&request.Body)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	answer, err := cmp.Or[http.RoundTripper](t.Next, http.DefaultTransport).RoundTrip(request)
	call := journal.Called{Protocol: "HTTP"}
	var m mask
	call.Method = request.Method + " " + m.url(request.URL)
	call.Request = journal.Message{Header: headers(request.Header), Body: m.body(request.Header.Get("Content-Type"), sent)}
	call.Claims = claims(request, sent)
	if err != nil {
		call.Took, call.Error = time.Since(began), m.clean(cause(err).Error())
		t.Sink(call)
		return nil, err
	}
	received, err := peek(&answer.Body)
	call.Took = time.Since(began)
	call.Status, call.Failed = answer.Status, answer.StatusCode >= http.StatusBadRequest
	call.RequestID = cmp.Or(answer.Header.Get("X-Request-Id"), answer.Header.Get("X-Ya-Request-Id"))
	call.Answer = journal.Message{Header: headers(answer.Header), Body: m.body(answer.Header.Get("Content-Type"), received)}
	if err != nil {
		call.Error = "reading the answer: " + err.Error()
	}
	t.Sink(call)
	return answer, nil
}

// cause is an error without the URL, whose query may hold a token.
func cause(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// peek reads the beginning of a body and puts back another that gives all of it,
// and the error that reading it ended with.
func peek(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	read, err := io.ReadAll(io.LimitReader(*body, maxRead))
	rest := io.Reader(*body)
	if err != nil {
		rest = broken{err}
	}
	*body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(read), rest), *body}
	return read, err
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// url is an address whose query has no secret.
func (m *mask) url(u *url.URL) string {
	plain := *u
	plain.RawQuery, plain.User = "", nil
	text := plain.String()
	if u.RawQuery != "" {
		text += "?" + strings.ReplaceAll(m.form(u.RawQuery), "\n", "&")
	}
	return text
}
