package control

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// maxWaiting bounds the viewers who wait for an event at once. Each holds one of the gate's places;
	// those that are left are for viewers who ask something else.
	maxWaiting = 128
	// lastWords is how long one who waits is kept when the daemon stops, so that he hears of it.
	lastWords = 250 * time.Millisecond
)

// latest is the stream as it was published last, and how to learn that it is not the last any more.
type latest struct {
	*Stream
	older chan struct{} // closed when the next one is there: whoever waits costs the publisher nothing else
}

// PublishEvents makes events the answer from now on, and wakes whoever waits for the next one. It may be
// called from any goroutine, and does not wait for anybody.
func (s *Server) PublishEvents(events *Stream) {
	if last := s.events.Swap(&latest{events, make(chan struct{})}); last != nil {
		close(last.older)
	}
}

// last is the ID up to which everything is known.
func (s *Stream) last() uint64 {
	if n := len(s.Events); n > 0 {
		return s.Events[n-1].ID
	}
	return s.Since
}

// after returns the events after an ID, and whether others may have come between. An ID that was never given
// is of another run, whose clock was ahead: what follows it here nobody can tell, so that is everything.
func (s *Stream) after(id uint64) (events []Event, missed bool) {
	switch {
	case id == 0:
		return s.Events, false
	case id > s.last():
		return s.Events, true
	}
	from, _ := slices.BinarySearchFunc(s.Events, id+1, func(e Event, id uint64) int { return cmp.Compare(e.ID, id) })
	return s.Events[from:], id < s.Since
}

// news reports whether there is something to tell who has seen an ID.
func (s *Stream) news(id uint64) bool {
	events, missed := s.after(id)
	return len(events) > 0 || missed
}

// await returns the stream once it has news for who has seen an ID, or as it is when his time is over or the
// daemon stops.
func (s *Server) await(ctx context.Context, id uint64, wait time.Duration) *latest {
	patience := time.NewTimer(wait)
	defer patience.Stop()
	for {
		current := s.events.Load()
		if current.news(id) {
			return current
		}
		select {
		case <-current.older:
		case <-patience.C:
			return s.events.Load()
		case <-ctx.Done():
			farewell := time.NewTimer(lastWords)
			defer farewell.Stop()
			select {
			case <-current.older:
			case <-farewell.C:
			}
			return s.events.Load()
		}
	}
}

// waiting counts the viewers who wait for an event.
type waiting struct{ n atomic.Int32 }

// enter takes a place, or says that there is none.
func (w *waiting) enter() *Error {
	if w.n.Add(1) > maxWaiting {
		w.leave()
		return &Error{Kind: KindBusy, Message: fmt.Sprintf("%d wait for events already: ask without wait, or again in a second", maxWaiting)}
	}
	return nil
}

func (w *waiting) leave() { w.n.Add(-1) }
