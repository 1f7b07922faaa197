package policy

import (
	"fmt"
	"slices"
	"time"
)

const (
	// slowAfter is how long an accept queue must be full until the application is called slow: longer
	// than a burst, and than a census takes.
	slowAfter = time.Second
	// slowBeside is how long it must be full where sources are limited: what they hold is being closed,
	// and what waits in the queue comes to its turn.
	slowBeside = 10 * time.Second
	// leakAfter is how long connections must be left unclosed, and leakLeast how many.
	leakAfter = 10 * time.Second
	leakLeast = 64
)

// slow tells an application that does not take its connections, or does not close them, from a flood:
// its sources are normal. Nobody is limited for it (P6).
func (st *serviceStep) slow(old SlowState) {
	st.state.Slow = old
	s := &st.state.Slow
	full := st.queues(s)
	st.leak(s)
	stuck := full != nil && st.o.At.Sub(s.FullSince) >= st.patience() && st.normalSince(s.FullSince)
	leaking := s.LeakSince != 0 && s.LeakAt.Sub(s.LeakSince) >= leakAfter
	if s.Raised == 0 && (stuck || leaking) {
		s.Raised = st.o.At
	}
	last := max(s.FullAt, s.LeakAt)
	if s.Raised != 0 && st.o.At.Sub(last) >= st.service.Response.Quiet {
		*s = SlowState{}
		return
	}
	if s.Raised == 0 {
		return
	}
	a := st.answer(SlowApplication)
	a.present = true
	if leaking {
		a.evidence = Reason{Rule: RuleCloseWait, Measured: s.Leaked, Threshold: leakLeast, At: s.LeakAt}
		a.why = fmt.Sprintf("the application%s leaves connections open that its clients have closed: it leaks them, and will run out of "+
			"descriptors; restart it, and have it close what it reads the end of", st.unit())
	}
	if full != nil {
		a.evidence = Reason{Rule: RuleAcceptQueue, Measured: int(full.Queue), Threshold: int(full.Backlog), At: st.o.At}
		a.why = st.advice(full)
	}
}

// queues looks at the accept queues of the service's listeners and returns one that is full. A queue
// counts as full until it is half empty.
func (st *serviceStep) queues(s *SlowState) *Listener {
	var full *Listener
	lasting, seen := false, false
	for i := range st.o.Listeners {
		l := &st.o.Listeners[i]
		if l.Service != st.service.Name {
			continue
		}
		seen = true
		if l.Queue > 0 && l.Queue >= l.Backlog && (full == nil || l.Queue > full.Queue) {
			full = l
		}
		lasting = lasting || l.Queue > 0 && uint64(l.Queue)*2 >= uint64(l.Backlog)
	}
	switch {
	case full != nil:
		s.FullAt = st.o.At
		s.FullSince = since(s.FullSince, st.o.At, true)
	case seen && !lasting:
		s.FullSince, s.Counts = 0, 0
	}
	if e := &st.o.Endings; s.FullSince != 0 && e.Taken && st.next.Endings > st.prev.Endings && e.From >= s.FullSince {
		s.Counts++
	}
	return full
}

// leak looks at connections that clients have closed and the application has not.
func (st *serviceStep) leak(s *SlowState) {
	if st.census == nil || !st.o.Census.Complete {
		return
	}
	if n := st.census.Unread; n < leakLeast || n*2 < st.census.Held || n < s.Leaked/2 {
		s.LeakSince, s.Leaked = 0, 0
		return
	}
	s.LeakAt, s.Leaked = st.o.Census.From, st.census.Unread
	s.LeakSince = since(s.LeakSince, s.LeakAt, true)
}

// patience is how long a queue may be full.
func (st *serviceStep) patience() time.Duration {
	if st.limited > 0 || st.churnUnknown() || anyBySources(st.state.Attacks) {
		return slowBeside
	}
	return slowAfter
}

// churnUnknown reports whether it is not known yet that nobody opens connections too fast, which fills a
// queue too.
func (st *serviceStep) churnUnknown() bool {
	limited := st.service.Rate.NewPerSource > 0 || slices.ContainsFunc(st.service.Overrides, func(o Override) bool { return o.NewPerSource > 0 })
	return limited && st.state.Slow.Counts < fastCounts || slices.ContainsFunc(st.state.Sources, func(s SourceState) bool { return s.Fast > 0 })
}

// normalSince reports whether a census since then found the sources normal, or held to their limits. One that
// churns and goes on, because it is only watched, goes on filling the queue.
func (st *serviceStep) normalSince(then Instant) bool {
	for i := range st.state.Sources {
		src := &st.state.Sources[i]
		if src.Churn.raised() && src.Fast > 0 {
			return false
		}
		if src.Hold.raised() && src.Held > st.allowed(src.Source).held {
			return false
		}
	}
	return st.next.Census >= then && !st.state.Share.Press.raised()
}

// advice says what is the matter with a listener and what would help.
func (st *serviceStep) advice(l *Listener) string {
	text := fmt.Sprintf("the application%s does not take connections from %v fast enough: %d wait, %d may; its sources are normal, so nobody is "+
		"limited; look for what holds it up, or give it more workers; a longer backlog (and net.core.somaxconn) helps against bursts only",
		st.unit(), l.Local, l.Queue, l.Backlog)
	if st.service.Capacity == 0 {
		text += "; if this is a crowd of attackers each within its limit, state the service's capacity and they will have to share it"
	}
	return text
}

// unit names the unit that listens, where it is known.
func (st *serviceStep) unit() string {
	for i := range st.o.Listeners {
		if l := &st.o.Listeners[i]; l.Service == st.service.Name && l.Unit != "" {
			return " (" + l.Unit + ")"
		}
	}
	return ""
}
