package observer

import (
	"time"

	"ebbgate/policy"
)

// shareWindow is the time over which the reader of endings keeps to its share.
const shareWindow = time.Second

// share holds a thread to so many thousandths of a core in every second. What is spent beyond it
// counts against the next seconds, so the share is kept on average too; what is left over is not
// saved up. It is pure: the clocks come in as arguments.
type share struct {
	perMille int
	began    policy.Instant // of the present second
	base     time.Duration  // CPU time of the thread at which nothing of it was spent
}

// newShare returns a share of which nothing is spent yet.
func newShare(perMille int, now policy.Instant, cpu time.Duration) share {
	return share{perMille: max(perMille, 0), began: now, base: cpu}
}

// left reports whether the thread may go on, given its CPU time so far.
func (s *share) left(now policy.Instant, cpu time.Duration) bool {
	whole := now.Sub(s.began) / shareWindow
	if whole > 0 {
		s.began = s.began.Add(whole * shareWindow)
		s.base = min(s.base+whole*s.window(), cpu)
	}
	return cpu-s.base < s.window()
}

// window is what may be spent in one second.
func (s *share) window() time.Duration { return shareWindow / 1000 * time.Duration(s.perMille) }

// next returns when the present second ends.
func (s *share) next() policy.Instant { return s.began.Add(shareWindow) }
