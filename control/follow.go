package control

import (
	"context"
	"time"
)

// EventSource is what Follow asks: a Client.
type EventSource interface {
	Events(ctx context.Context, after uint64, wait time.Duration) (*Events, error)
}

// Reading is what came of one question of Follow.
type Reading struct {
	After  uint64    // the ID it asked after
	Due    time.Time // when it should have been answered at the latest
	Events *Events   // the answer; nil with an error
	Err    error     // in its place
}

const (
	// firstFollowPause is before a daemon is asked again that does not answer, or at once with nothing, as one
	// that is about to end. It doubles from question to question, up to longestFollowPause.
	firstFollowPause   = 500 * time.Millisecond
	longestFollowPause = 4 * time.Second
)

// Follow asks for what comes after an ID until ctx ends, and gives each answer and each error to take, one after
// the other: it never asks ahead of who takes them. It goes on behind the last answer, also over restarts of the
// daemon. The first question, and the first after an error, is answered at once; others wait for news, so long at
// most and LongestWait. What take returns ends it and is returned; the end of ctx is no error.
func Follow(ctx context.Context, source EventSource, after uint64, most time.Duration, take func(Reading) error) error {
	wait, pause := time.Duration(0), firstFollowPause
	for {
		asked := time.Now()
		r := Reading{After: after, Due: asked.Add(wait)}
		r.Events, r.Err = source.Events(ctx, after, wait)
		if ctx.Err() != nil {
			return nil
		}
		if err := take(r); err != nil {
			return err
		}
		hasty := r.Err != nil
		if r.Err == nil {
			hasty = wait > 0 && r.Events.Next == after && time.Since(asked) < min(wait, firstFollowPause)
			after, wait = r.Events.Next, min(most, LongestWait)
		} else {
			wait = 0
		}
		if !hasty {
			pause = firstFollowPause
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, longestFollowPause)
	}
}
