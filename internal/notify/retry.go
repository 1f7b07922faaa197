package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Sender tells somebody of one notification. It may be called from several goroutines. It returns when he
// was told, or an error if he was not: one that is Temporary is worth another try. It ends soon after ctx.
type Sender interface {
	Send(ctx context.Context, n *Notification) error
}

// Temporary is an error that may be gone a while later.
type Temporary struct {
	Err   error
	After time.Duration // not before this, as the other side has asked; 0: it has not
}

// Error returns the text of the cause.
func (e *Temporary) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Temporary) Unwrap() error { return e.Err }

const (
	firstPause   = 2 * time.Second
	longestPause = time.Minute
	// longestAfter bounds how long the other side may ask us to wait.
	longestAfter = 5 * time.Minute
)

// deliver sends a notification and tries again, at intervals that double up to a minute, for as long as the
// error is temporary and patience lasts. Each interval is cut by up to a half at random, so that hosts
// that fail together do not come back together.
func deliver(ctx context.Context, s Sender, n *Notification, patience time.Duration, log *slog.Logger) error {
	begin, pause := time.Now(), firstPause
	for try := 1; ; try++ {
		err := s.Send(ctx, n)
		var temporary *Temporary
		switch {
		case err == nil && try > 1:
			log.Info("notification delivered at last", "event", string(n.Event.Event), "tries", try)
			return nil
		case err == nil || ctx.Err() != nil || !errors.As(err, &temporary):
			return err
		}
		wait := max(pause/2+rand.N(pause/2), min(temporary.After, longestAfter))
		if time.Since(begin)+wait > patience {
			return fmt.Errorf("after %d tries in %s: %w", try, time.Since(begin).Round(time.Second), err)
		}
		if try == 1 {
			log.Warn("notification not delivered yet; trying again", "event", string(n.Event.Event), "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		pause = min(2*pause, longestPause)
	}
}
