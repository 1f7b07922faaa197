package notify

import (
	"fmt"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// watch knows whether the daemon answers, and when that is worth telling. It is pure.
type watch struct {
	patience time.Duration // how long it may be away
	since    time.Time     // when it was first found away; zero: it answers
	told     bool          // somebody was told that it is away
	why      string
}

// answered takes note of an answer, and returns what is to be told of it.
func (w *watch) answered(now time.Time) (e control.Event, tell bool) {
	was := *w
	*w = watch{patience: w.patience}
	if !was.told {
		return control.Event{}, false
	}
	away := now.Sub(was.since).Round(time.Second)
	return own(Reachable, now, fmt.Sprintf("after %s", away)), true
}

// failed takes note of an error in place of an answer that was due, and returns what is to be told of it. A daemon
// that hangs is away since it owes the answer, not since its client has given up.
func (w *watch) failed(err error, due, now time.Time) (e control.Event, tell bool) {
	if w.since.IsZero() {
		w.since = now
		if due.Before(now) {
			w.since = due
		}
	}
	w.why = err.Error()
	return w.due(now)
}

// due returns what is to be told because time has passed.
func (w *watch) due(now time.Time) (e control.Event, tell bool) {
	if w.since.IsZero() || w.told || now.Before(w.since.Add(w.patience)) {
		return control.Event{}, false
	}
	w.told = true
	return own(Unreachable, now, fmt.Sprintf("for %s: %s", now.Sub(w.since).Round(time.Second), w.why)), true
}

// next returns when due has something to tell if nothing happens; the zero time is never.
func (w *watch) next() time.Time {
	if w.since.IsZero() || w.told {
		return time.Time{}
	}
	return w.since.Add(w.patience)
}

// away returns since when the daemon is told to be unreachable; zero: it is not.
func (w *watch) away() control.Time {
	if !w.told {
		return control.Time{}
	}
	return control.TimeOf(w.since)
}

// restore takes up what an earlier run has told.
func (w *watch) restore(away control.Time) {
	if !away.IsZero() {
		w.since, w.told = away.Time, true
	}
}

// own is an event of ours.
func own(kind policy.EventKind, now time.Time, why string) control.Event {
	return control.Event{At: control.TimeOf(now), Event: kind, Count: 1, Why: why}
}
