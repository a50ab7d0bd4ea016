package run

import (
	"testing"
	"time"
)

// What is not there is looked at often at first and seldom later, what is there at
// every poll.
func TestLookAgain(t *testing.T) {
	const every, limit = 20 * time.Millisecond, 4 * time.Second
	for _, tc := range []struct {
		name  string
		there bool
		looks int
		first []time.Duration
	}{
		{"there", true, 200, []time.Duration{0, every, 2 * every, 3 * every, 4 * every}},
		// 150 ms of pause end at the next poll, after 160.
		{"not there", false, 28, []time.Duration{0, every, 3 * every, 7 * every, 15 * every}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := time.Unix(0, 0)
			again := lookAgain{after: every}
			var looks []time.Duration
			for at := time.Duration(0); at < limit; at += every {
				if now := start.Add(at); again.due(now) {
					looks = append(looks, at)
					if !tc.there {
						again.later(now)
					}
				}
			}
			if len(looks) != tc.looks {
				t.Errorf("%d looks, want %d: %s", len(looks), tc.looks, looks)
			}
			for i, want := range tc.first {
				if looks[i] != want {
					t.Errorf("look %d after %s, want %s", i, looks[i], want)
				}
			}
		})
	}
}
