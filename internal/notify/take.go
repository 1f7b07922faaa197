package notify

import (
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// lastKind is the kind of the event read last, by which a crash is told from a stop.
type lastKind = policy.EventKind

// take takes in what came of a question.
func (r *run) take(a control.Reading) {
	now := time.Now()
	if a.Err != nil {
		if r.watch.since.IsZero() {
			r.Log.Info("daemon does not answer", "error", a.Err)
		}
		if e, tell := r.watch.failed(a.Err, a.Due, now); tell {
			r.Log.Warn("daemon unreachable", "why", e.Why)
			r.desk.own(e, now)
		}
		return
	}
	if e, tell := r.watch.answered(now); tell {
		r.Log.Info("daemon reachable again", "why", e.Why)
		r.desk.own(e, now)
	}
	r.read(a, now)
}

// read takes in an answer.
func (r *run) read(a control.Reading, now time.Time) {
	l := &r.desk.ledger
	switch {
	case !r.begun && !r.FromStart:
		l.reset(a.Events.Next)
	case a.Events.Next < a.After:
		// Its numbers have begun anew: all that it has is news.
		l.reset(0)
	}
	if why := r.missed(a); why != "" {
		r.Log.Warn("events may have been missed", "why", why)
		r.desk.own(own(Missed, now, why), now)
	}
	for _, e := range a.Events.Events {
		r.desk.read(e, now)
		r.last = e.Event
	}
	l.read(a.Events.Next)
	r.begun = true
}

// missed says what may be missing before an answer's events; empty: nothing that anybody should be told of.
// A daemon that starts does not know what came before: that is worth a word only where another one was seen
// that did not say that it stops.
func (r *run) missed(a control.Reading) string {
	events := a.Events.Events
	restarted := len(events) > 0 && events[0].Event == control.Started
	switch {
	case !a.Events.Missed || !r.begun:
		return ""
	case !restarted:
		return "the daemon has kept those after the last one that was read no longer"
	case r.last == "" || r.last == control.Stopping:
		return ""
	default:
		return "the daemon has started again without saying that it stops, as after a crash"
	}
}
