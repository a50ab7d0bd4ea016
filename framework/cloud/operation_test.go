package cloud

import (
	"testing"
	"time"
)

// Asking may make an operation look longer than it is by an eighth, once it
// takes longer than a second, and never more often than ten times a second.
func TestPollInterval(t *testing.T) {
	for waited, want := range map[time.Duration]time.Duration{
		0: 100 * time.Millisecond, 800 * time.Millisecond: 100 * time.Millisecond, 2 * time.Second: 250 * time.Millisecond,
		8 * time.Second: time.Second, time.Hour: time.Second,
	} {
		if got := pollInterval(waited); got != want {
			t.Errorf("after %s the next question comes in %s, want %s", waited, got, want)
		}
	}
}

func TestScrub(t *testing.T) {
	for text, want := range map[string]string{
		"The token t1.9euelZqZlJyXabcdefghijk.abcdefghijklmnop_-== is bad": "The token [redacted] is bad",
		"OAuth y0_AgAAAAABcdefghijklmnop":                                  "OAuth [redacted]",
		"jwt eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln end":                "jwt [redacted] end",
		"Permission denied to b1gujpc10b35mukri34i":                        "Permission denied to b1gujpc10b35mukri34i",
	} {
		if got := scrub(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
