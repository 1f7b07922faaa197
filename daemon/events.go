package daemon

import (
	"context"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// stream is the newest transitions, for who follows them. IDs count up by one from the time at which the
// daemon started, in microseconds: so they go on over restarts, and a clock that is set back meanwhile does
// not make one come twice.
type stream struct {
	last  uint64          // the ID given last
	kept  []control.Event // appended to and never changed in place: what was published is a part of it
	fresh bool            // there is one that was not published
}

func newStream(wall time.Time) stream { return stream{last: uint64(max(wall.UnixMicro(), 1))} }

// add gives an event its ID and keeps it.
func (s *stream) add(e control.Event) control.Event {
	s.last++
	e.ID, s.fresh = s.last, true
	if len(s.kept) == cap(s.kept) {
		kept := make([]control.Event, 0, 2*control.MaxEvents)
		s.kept = append(kept, s.newest()...)
	}
	s.kept = append(s.kept, e)
	return e
}

func (s *stream) newest() []control.Event { return s.kept[max(0, len(s.kept)-control.MaxEvents):] }

// snapshot returns what is kept, to be published.
func (s *stream) snapshot() *control.Stream {
	events := s.newest()
	return &control.Stream{Since: s.last - uint64(len(events)), Events: events[:len(events):len(events)]}
}

// happened makes a transition known: who follows the stream and who reads the log are told the same. Only the
// problems of a refused policy go another way; see logRefused. More is for the log alone, in pairs of key and
// value.
func (d *Daemon) happened(message string, e control.Event, more ...any) {
	d.note(message, d.noted(e), more...)
}

// noted takes an event into the stream, with its ID and its time.
func (d *Daemon) noted(e control.Event) control.Event {
	if e.At.IsZero() {
		e.At = control.TimeOf(d.Wall())
	}
	return d.stream.add(e.Bounded())
}

// note writes an event to the log.
func (d *Daemon) note(message string, e control.Event, more ...any) {
	d.Log.Log(context.Background(), control.EventLevel(e.Event), message, append(attrs(&e), more...)...)
}

// decided makes the transitions of a decision known. Step has summed up those of many sources.
func (d *Daemon) decided(events []policy.Event) {
	if len(events) == 0 {
		return
	}
	c := d.calendar()
	for i := range events {
		e := control.EventOf(&events[i], c)
		d.happened(string(e.Event), e)
	}
}

// publishEvents shows what happened since the last time, if anything did.
func (d *Daemon) publishEvents() {
	if d.stream.fresh {
		d.stream.fresh = false
		d.Publisher.PublishEvents(d.stream.snapshot())
	}
}
