package notify

import (
	"context"
	"time"

	"ebbgate/control"
)

// pauseAfterError is between two questions to a daemon that does not answer.
const pauseAfterError = time.Second

// Source is where events come from: a control.Client.
type Source interface {
	Events(ctx context.Context, after uint64, wait time.Duration) (*control.Events, error)
}

// reading is one answer, or the error in its place.
type reading struct {
	after  uint64 // what was asked for
	events *control.Events
	err    error
}

// reader asks for what comes after an event until ctx ends, and hands each answer over: the channel has no
// room, so it never asks ahead of who takes them. It goes on after errors.
type reader struct {
	source  Source
	out     chan<- reading
	after   uint64
	waiting bool // whether it waits for news; not with the first question
}

func (r *reader) run(ctx context.Context) {
	for {
		wait := time.Duration(0)
		if r.waiting {
			wait = control.LongestWait
		}
		begin := time.Now()
		answer, err := r.source.Events(ctx, r.after, wait)
		select {
		case r.out <- reading{r.after, answer, err}:
		case <-ctx.Done():
			return
		}
		// A daemon that answers at once without anything new is not asked at once again.
		pause := err != nil || r.waiting && answer.Next == r.after && time.Since(begin) < pauseAfterError
		if r.waiting = err == nil; r.waiting {
			r.after = answer.Next
		}
		if !pause {
			continue
		}
		select {
		case <-time.After(pauseAfterError):
		case <-ctx.Done():
			return
		}
	}
}
