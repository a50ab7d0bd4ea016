package mockcloud

import (
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"
)

// shifted is the real clock, moved forward by the admin port. Timers run in real
// time: a move changes what time it is, not how long something takes.
type shifted struct {
	clock.RealClock
	by atomic.Int64
}

func (s *shifted) Now() time.Time                  { return time.Now().Add(time.Duration(s.by.Load())) }
func (s *shifted) Since(t time.Time) time.Duration { return s.Now().Sub(t) }
