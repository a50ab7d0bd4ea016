package diagnose

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Answer is what an address answered at all, and when.
type Answer struct {
	URL string
	// Asked and Answered are by this machine's clock, Date by the server's (zero: it
	// did not say).
	Asked, Answered, Date time.Time
	Err                   error
}

// Ask sees whether somebody answers at an address over HTTPS, with whatever status.
func Ask(ctx context.Context, url string) Answer {
	a := Answer{URL: url, Asked: time.Now()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		a.Err = fmt.Errorf("asking %s: %w", url, err)
		return a
	}
	response, err := (&http.Client{}).Do(request)
	a.Answered = time.Now()
	if err != nil {
		a.Err = err
		return a
	}
	_ = response.Body.Close() // only the header is of use
	a.Date, _ = http.ParseTime(response.Header.Get("Date"))
	return a
}

// tolerance is how far clocks may be apart: tokens live for minutes at least, and
// how much skew the cloud forgives is not documented.
const tolerance = time.Minute

// Findings judge it.
func (a Answer) Findings() []Finding {
	const what, clock = "token endpoint", "clock"
	if a.Err != nil {
		return []Finding{mistake(what, EndpointAway, "%s: %v", a.URL, a.Err).
			saying("See that this machine reaches it: DNS, a proxy (HTTPS_PROXY), a firewall, the trusted certificates (SSL_CERT_FILE), and --token-endpoint.")}
	}
	out := []Finding{fine(what, "%s answers", a.URL)}
	if a.Date.IsZero() {
		return append(out, unseen(clock, a.URL+" does not say what time it is"))
	}
	// The header has whole seconds.
	early, late := a.Asked.Sub(a.Date)-time.Second, a.Date.Sub(a.Answered)
	switch {
	case early > tolerance:
		return append(out, skewed(clock, a.URL, early, "ahead of"))
	case late > tolerance:
		return append(out, skewed(clock, a.URL, late, "behind"))
	}
	return append(out, fine(clock, "agrees with that of %s", a.URL))
}

func skewed(what, url string, by time.Duration, how string) Finding {
	return mistake(what, ClockSkew, "this machine's clock is %s %s that of %s: tokens look expired, or not yet valid", by.Round(time.Second), how, url).
		saying("Set the clock and keep it set: timedatectl set-ntp true.")
}
