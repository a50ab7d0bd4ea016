package storage

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// The request of a stranger may say anything; no secret is right for it.
func FuzzSignature(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=k/20260102/ru-central1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20260102T030405Z", "")
	f.Add("", "", "X-Amz-Signature=0&X-Amz-Credential=k%2F20260102%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=9&X-Amz-SignedHeaders=host&X-Amz-Algorithm=AWS4-HMAC-SHA256")
	f.Add("AWS4-HMAC-SHA256 Credential=k", "2026", "X-Amz-Signature")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/b/k", nil)
		r.URL.RawQuery = query
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		r.Header.Set("X-Amz-Content-Sha256", unsignedSum)
		if s, err := readSignature(r); err == nil && s.check(r, "secret", s.made) == nil {
			t.Errorf("accepted %q %q %q", authorization, date, query)
		}
	})
}

func TestCanonicalForm(t *testing.T) {
	for in, want := range map[string]string{"": "/", "/a b/~-_.": "/a%20b/~-_.", "/ключ+*": "/%D0%BA%D0%BB%D1%8E%D1%87%2B%2A"} {
		if got := escape(in, true); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	query := url.Values{"b": {"2", "1"}, "a-b": {""}, "a": {"/"}, "X-Amz-Signature": {"x"}}
	if got, want := canonicalQuery(query), "a=%2F&a-b=&b=1&b=2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSkewAndExpiry(t *testing.T) {
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	signed := signature{made: made}
	presigned := signature{made: made, expires: made.Add(time.Minute)}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	for _, x := range []struct {
		s     signature
		after time.Duration
		want  *s3Error
	}{
		{signed, 15 * time.Minute, errMismatch},
		{signed, 15*time.Minute + time.Second, errSkewed},
		{signed, -15*time.Minute - time.Second, errSkewed},
		{presigned, time.Minute, errMismatch},
		{presigned, time.Minute + time.Second, errExpired},
		{presigned, -16 * time.Minute, errSkewed},
	} {
		if got := x.s.check(r, "secret", made.Add(x.after)); got != x.want {
			t.Errorf("%s later: %v, want %v", x.after, got, x.want)
		}
	}
}
