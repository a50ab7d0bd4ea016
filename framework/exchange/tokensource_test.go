package exchange

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// An HTTP client of golang.org/x/oauth2 and the SDK share an IAM token, and get the next
// one when it is time.
func TestTokenSourceServesHTTPClients(t *testing.T) {
	s := newIssuing(t)
	var bearer string
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { bearer = r.Header.Get("Authorization") }))
	t.Cleanup(api.Close)
	// Its clock is the real one: it asks for a token for every request if the former ended.
	s.clock.SetTime(time.Now().Add(-12 * time.Hour))
	client := oauth2.NewClient(t.Context(), s.TokenSource(t.Context()))
	get := func(want string) {
		t.Helper()
		answer, err := client.Get(api.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if bearer != "Bearer "+want {
			t.Errorf("it sent %q, want %s", bearer, want)
		}
	}
	s.wants(t, "t1.1")
	get("t1.1")
	s.project(t, "subject-2")
	s.clock.SetTime(time.Now())
	get("t1.2")
	get("t1.2")
	if s.subject != "subject-2" || s.exchanges.Load() != 2 {
		t.Errorf("%d exchanges, the last of %s", s.exchanges.Load(), s.subject)
	}
}

func TestTokenSourceErrors(t *testing.T) {
	s := newIssuing(t)
	s.answers(http.StatusBadRequest, 0)
	var refusal *Refusal
	if token, err := s.TokenSource(t.Context()).Token(); !errors.As(err, &refusal) || token != nil {
		t.Errorf("%v, %v", token, err)
	}
	ended, cancel := context.WithCancelCause(t.Context())
	gaveUp := errors.New("gave up")
	cancel(gaveUp)
	s.hold = make(chan struct{})
	defer close(s.hold)
	if _, err := s.TokenSource(ended).Token(); !errors.Is(err, gaveUp) {
		t.Errorf("%v", err)
	}
}
