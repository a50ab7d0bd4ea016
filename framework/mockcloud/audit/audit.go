// Package audit is the mock cloud's own memory of every call: who asked for
// what, and why it was allowed or refused. On the wire refusals look alike; the
// reason is what tests assert.
package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Verdicts.
const (
	Allowed = "allowed"
	Refused = "refused"
	Failed  = "failed"
)

// Entry is one call. It holds no token, key or payload.
type Entry struct {
	Time      time.Time `json:"time"`
	RequestID string    `json:"request_id"`
	// Method is a gRPC full name, "oauth/token", "storage/GetObject", ...
	Method string `json:"method"`
	// Caller is type:id of the subject, or "" for nobody.
	Caller  string `json:"caller,omitempty"`
	Verdict string `json:"verdict"`
	// Reason is a stable word for a refusal ("exchange/audience", "permission:lockbox.payloads.get").
	Reason string `json:"reason,omitempty"`
	// Code is what was answered: a gRPC code or an HTTP status.
	Code string `json:"code"`
	// Run is the run label of the request's resource or of the client's user agent.
	Run      string        `json:"run,omitempty"`
	Resource string        `json:"resource,omitempty"`
	Took     time.Duration `json:"took_ns"`
}

// keep bounds the memory of a mock that runs for weeks.
const keep = 100_000

// Log holds the last entries and copies each to a writer.
type Log struct {
	mu      sync.Mutex
	entries []Entry
	out     io.Writer
}

// New makes a log; out may be nil.
func New(out io.Writer) *Log { return &Log{out: out} }

// Add records a call.
func (l *Log) Add(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) >= keep {
		l.entries = slices.Delete(l.entries, 0, keep/10)
	}
	l.entries = append(l.entries, e)
	if l.out != nil {
		if line, err := json.Marshal(e); err == nil {
			_, _ = fmt.Fprintf(l.out, "%s\n", line) // the memory is the record; the copy is a convenience
		}
	}
}

// Entries returns the calls that match (nil: all), oldest first.
func (l *Log) Entries(match func(Entry) bool) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Entry
	for _, e := range l.entries {
		if match == nil || match(e) {
			out = append(out, e)
		}
	}
	return out
}

// ByRequest finds a call by the request id that its client was given.
func (l *Log) ByRequest(id string) (Entry, bool) {
	found := l.Entries(func(e Entry) bool { return e.RequestID == id })
	if len(found) == 0 {
		return Entry{}, false
	}
	return found[0], true
}

var runInAgent = regexp.MustCompile(`wlif-conformance/([a-z][a-z0-9]{7})\b`)

// RunOf is the run that a client's user agent names, "" if it names none.
func RunOf(userAgent string) string {
	if m := runInAgent.FindStringSubmatch(userAgent); m != nil {
		return m[1]
	}
	return ""
}
