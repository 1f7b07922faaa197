package notify

import (
	"context"
	"time"

	"ebbgate/control"
)

// impatient is a source that must answer within half of somebody's patience once an answer is due. The other half is
// for waiting, so that a daemon that hangs is found out before he is to be told.
type impatient struct {
	control.EventSource
	patience time.Duration
}

// Events asks for what comes after an event.
func (s impatient) Events(ctx context.Context, after uint64, wait time.Duration) (*control.Events, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+s.patience/2)
	defer cancel()
	return s.EventSource.Events(ctx, after, wait)
}

// follow hands over what the stream says after an event until ctx ends. The channel has no room, so it never asks ahead of the loop.
func (r *run) follow(ctx context.Context, after uint64, readings chan<- control.Reading) {
	// It ends with ctx, which is no error.
	_ = control.Follow(ctx, impatient{r.Source, r.UnreachableAfter}, after, r.UnreachableAfter/2, func(a control.Reading) error {
		select {
		case readings <- a:
		case <-ctx.Done():
		}
		return nil
	})
}
