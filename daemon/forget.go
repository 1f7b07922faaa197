package daemon

import (
	"time"

	"ebbgate/policy"
)

// forgetAgain is when conntrack is looked at once more: the kernel goes on tracking for a moment after the
// rules that wanted it, and those that kept it from everything else, are gone.
const forgetAgain = time.Second

// stale is what the loop knows of connections that conntrack still remembers.
type stale struct {
	tracked bool           // our rules have connections tracked
	looks   int            // at conntrack that are still due: nobody else's rules use it
	at      policy.Instant // not before
}

// forget has conntrack forget what only our rules had it track, once they do not any more. It runs beside
// the loop, in place of a run of closings, until nothing is left. A daemon that stops leaves it to the
// kernel's time-outs.
func (d *Daemon) forget() {
	s, have := &d.stale, d.Rules.Have()
	if !have.Known {
		return
	}
	tracks := have.Ruleset.Tracks()
	if s.tracked && !tracks {
		s.looks, s.at = 2, 0
	}
	if s.tracked = tracks; tracks || d.Rules.Environment().OthersTrack {
		s.looks = 0
	}
	if s.looks == 0 || d.closings.running || d.Now() < s.at {
		return
	}
	d.closings.running = true
	p := d.Policy
	go func() {
		n, more, err := d.Closer.Forget(p)
		d.closings.results <- closingResult{forgetting: true, forgotten: n, more: more, err: err}
	}()
}

// forgot takes the outcome of a run over.
func (d *Daemon) forgot(r *closingResult) {
	d.Log.Debug("forgot tracked connections", "count", r.forgotten)
	if !r.more && d.stale.looks > 0 {
		d.stale.looks--
		d.stale.at = d.Now().Add(forgetAgain)
	}
}
