package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clocktest "k8s.io/utils/clock/testing"
)

// issuing is a token endpoint that numbers the tokens which it issues.
type issuing struct {
	*Credential
	clock *clocktest.FakePassiveClock
	// exchanges counts requests; the last subject token is kept.
	exchanges atomic.Int64
	mu        sync.Mutex
	subject   string
	// status other than 200 refuses; life is expires_in, in seconds.
	status, life int
	// hold, if set, keeps every answer back until it is closed.
	hold chan struct{}
}

func newIssuing(t testing.TB) *issuing {
	t.Helper()
	s := &issuing{status: http.StatusOK, life: 43200, clock: clocktest.NewFakePassiveClock(time.Unix(1_800_000_000, 0))}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.Credential = &Credential{TokenFile: filepath.Join(t.TempDir(), "token"), ServiceAccountID: "aje1", Client: &Client{Endpoint: server.URL}, Clock: s.clock}
	s.project(t, "subject-1")
	return s
}

// project puts a token into the file, as the kubelet does.
func (s *issuing) project(t testing.TB, token string) {
	t.Helper()
	if err := os.WriteFile(s.TokenFile, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *issuing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.exchanges.Add(1)
	s.mu.Lock()
	s.subject = r.PostFormValue("subject_token")
	status, life, hold := s.status, s.life, s.hold
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if status != http.StatusOK {
		_, _ = fmt.Fprint(w, `{"error":"invalid_request","error_description":"no"}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"access_token":"t1.%d","token_type":"Bearer","expires_in":%d}`, n, life)
}

func (s *issuing) answers(status, life int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.life = status, life
}

// wants asks for a token and compares it; "" wants an error.
func (s *issuing) wants(t *testing.T, token string) {
	t.Helper()
	got, err := s.IAMToken(t.Context())
	if (err != nil) != (token == "") || err == nil && got.Token != token {
		t.Fatalf("%+v, %v, want %q", got, err, token)
	}
	if err == nil && !got.ExpiresAt.After(s.clock.Now()) {
		t.Errorf("the SDK is told that it has expired at %s", got.ExpiresAt)
	}
}

func (s *issuing) after(d time.Duration) { s.clock.SetTime(s.clock.Now().Add(d)) }

func TestCredentialKeepsATokenUntilShortlyBeforeItsEnd(t *testing.T) {
	s := newIssuing(t)
	s.wants(t, "t1.1")
	// The SDK asks again when ExpiresAt has come, and not before.
	if got, err := s.IAMToken(t.Context()); err != nil || !got.ExpiresAt.Equal(s.clock.Now().Add(12*time.Hour-DefaultMargin)) {
		t.Errorf("%v, %v", got.ExpiresAt, err)
	}
	s.after(12*time.Hour - DefaultMargin - time.Second)
	s.wants(t, "t1.1")
	s.after(time.Second)
	s.wants(t, "t1.2")
	s.Margin = time.Hour
	s.after(12*time.Hour - DefaultMargin)
	s.wants(t, "t1.3")
	s.after(11*time.Hour - time.Second)
	s.wants(t, "t1.3")
	s.after(time.Second)
	s.wants(t, "t1.4")
}

// A token that lives no longer than the margin is not replaced at every call.
func TestCredentialKeepsAShortTokenForHalfItsLife(t *testing.T) {
	s := newIssuing(t)
	s.answers(http.StatusOK, 60)
	s.wants(t, "t1.1")
	s.after(29 * time.Second)
	s.wants(t, "t1.1")
	s.after(time.Second)
	s.wants(t, "t1.2")
}

func TestCredentialReadsTheFileAtEachExchange(t *testing.T) {
	s := newIssuing(t)
	for n := 1; n < 4; n++ {
		projected := fmt.Sprintf("subject-%d", n)
		s.project(t, projected)
		s.wants(t, fmt.Sprintf("t1.%d", n))
		if s.subject != projected {
			t.Errorf("exchange %d was of %q, the file has %q", n, s.subject, projected)
		}
		s.after(12 * time.Hour)
	}
}

// A renewal that fails costs nobody a call while the present token lives.
func TestCredentialOutlivesAnOutage(t *testing.T) {
	s := newIssuing(t)
	s.wants(t, "t1.1")
	s.answers(http.StatusServiceUnavailable, 0)
	s.after(12*time.Hour - DefaultMargin)
	s.wants(t, "t1.1")
	s.wants(t, "t1.1")
	if got := s.exchanges.Load(); got != 2 {
		t.Errorf("%d exchanges, want 2: a failed one is not repeated at once", got)
	}
	s.after(DefaultMargin - time.Second)
	s.wants(t, "t1.1")
	s.after(time.Second)
	s.wants(t, "")
	s.answers(http.StatusOK, 43200)
	s.wants(t, "t1.5")
}

func TestCredentialErrors(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(*issuing)
		is    func(error) bool
	}{
		{"no file", func(s *issuing) { s.TokenFile += "-gone" }, func(err error) bool { return errors.Is(err, os.ErrNotExist) }},
		{"empty file", func(s *issuing) { s.project(t, " ") }, func(err error) bool { return strings.Contains(err.Error(), "is empty") }},
		{"refused", func(s *issuing) { s.answers(400, 0) }, func(err error) bool { var r *Refusal; return errors.As(err, &r) }},
		{"no life", func(s *issuing) { s.answers(200, 0) }, func(err error) bool { return strings.Contains(err.Error(), "expires_in") }},
		{"too slow", func(s *issuing) {
			s.hold = make(chan struct{})
			s.Timeout = time.Millisecond
			t.Cleanup(func() { close(s.hold) })
		},
			func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newIssuing(t)
			tc.spoil(s)
			_, err := s.IAMToken(t.Context())
			if err == nil || !tc.is(err) || !strings.Contains(err.Error(), "aje1") || strings.Contains(err.Error(), "subject-1") {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// Ten thousand callers, of whom the first gives up, make one exchange.
func TestCredentialMakesOneExchangeForAll(t *testing.T) {
	s := newIssuing(t)
	s.hold = make(chan struct{})
	impatient, cancel := context.WithCancelCause(t.Context())
	first := make(chan error)
	go func() {
		_, err := s.IAMToken(impatient)
		first <- err
	}()
	gaveUp := errors.New("gave up")
	cancel(gaveUp)
	if err := <-first; !errors.Is(err, gaveUp) {
		t.Errorf("who gave up got %v", err)
	}
	var callers sync.WaitGroup
	for range 10_000 {
		callers.Go(func() {
			if got, err := s.IAMToken(t.Context()); err != nil || got.Token != "t1.1" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	close(s.hold)
	callers.Wait()
	if got := s.exchanges.Load(); got != 1 {
		t.Errorf("%d exchanges, want 1", got)
	}
}

// Whoever comes while a token is replaced waits for the same exchange, at every renewal.
func TestCredentialMakesOneExchangePerRenewal(t *testing.T) {
	s := newIssuing(t)
	for n := int64(1); n <= 3; n++ {
		var callers sync.WaitGroup
		begin := make(chan struct{})
		for range 10_000 {
			callers.Go(func() {
				<-begin
				if _, err := s.IAMToken(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		callers.Wait()
		if got := s.exchanges.Load(); got != n {
			t.Fatalf("%d exchanges, want %d", got, n)
		}
		s.after(12 * time.Hour)
	}
}

func TestCredentialDoesNotPrintItsToken(t *testing.T) {
	s := newIssuing(t)
	s.wants(t, "t1.1")
	if shown := fmt.Sprintf("%v %+v %#v", s.Credential, s.Credential, s.Credential); strings.Contains(shown, "t1.1") || strings.Count(shown, "credential of service account aje1") != 3 {
		t.Errorf("shown: %s", shown)
	}
}

// BenchmarkExchange is what a call would cost without a credential that keeps tokens: the
// server is on this machine and signs nothing.
func BenchmarkExchange(b *testing.B) {
	s := newIssuing(b)
	for b.Loop() {
		if _, err := s.exchange(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCredential(b *testing.B) {
	s := newIssuing(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.IAMToken(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
