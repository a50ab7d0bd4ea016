package wire

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter bounds how many requests a second a handler gets, and how big each may be.
type Limiter struct {
	// Next answers what is let through.
	Next http.Handler
	// Limits are asked for at each request: how many requests a second, with bursts of
	// as many, and how many bytes a body may have; 0 is no limit.
	Limits func() (perSecond int, maxBody int64)
	// Refused hears of refusals, at most once a second: a flood must not drown what
	// keeps its traces.
	Refused func(r *http.Request)

	told   rate.Sometimes
	mu     sync.Mutex
	bucket *rate.Limiter // of the present limit
}

// NewLimiter makes a limiter.
func NewLimiter(next http.Handler, limits func() (int, int64), refused func(*http.Request)) *Limiter {
	return &Limiter{Next: next, Limits: limits, Refused: refused, told: rate.Sometimes{Interval: time.Second}}
}

// allow takes a request out of the bucket, which is full when the limit is new.
func (l *Limiter) allow(perSecond int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bucket == nil || l.bucket.Burst() != perSecond {
		l.bucket = rate.NewLimiter(rate.Limit(perSecond), perSecond)
	}
	return l.bucket.Allow()
}

// ServeHTTP hands a request on or answers that there are too many, as the documented
// table of codes has it: RESOURCE_EXHAUSTED, in HTTP 429.
func (l *Limiter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	perSecond, maxBody := l.Limits()
	if perSecond > 0 && !l.allow(perSecond) {
		l.told.Do(func() { l.Refused(r) })
		tooMany(w, r)
		return
	}
	if maxBody > 0 && r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	l.Next.ServeHTTP(w, r)
}

func tooMany(w http.ResponseWriter, r *http.Request) {
	const text = "Too many requests"
	if isGRPC(r) {
		// An answer of trailers alone, which gRPC sends as headers.
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "8")
		w.Header().Set("Grpc-Message", text)
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = io.WriteString(w, `{"code":8,"message":"`+text+`"}`+"\n") // the client may be gone
}

func isGRPC(r *http.Request) bool {
	return r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}
