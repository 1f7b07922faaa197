package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"ebbgate/control"
)

// Config is what Run works with.
type Config struct {
	Source    control.EventSource
	Sender    Sender
	Selection Selection
	Host      string
	Log       *slog.Logger

	StatePath string // empty: nothing is remembered
	FromStart bool   // without a state, begin with all events the daemon keeps

	UnreachableAfter time.Duration // how long the daemon may be away, or owe an answer
	Flap             time.Duration // how long the same is not told again; 0: it always is
	Burst            int           // notifications at once; at least 1
	Interval         time.Duration // between those after a burst
	AtOnce           int           // deliveries at once; at least 1, and with 1 they are in order
	Patience         time.Duration // how long a delivery is tried

	Test <-chan struct{} // each value sends a test; nil: none
}

// run is one run.
type run struct {
	Config
	desk    *desk
	watch   watch
	begun   bool // the first answer was taken in, or there was a state
	last    lastKind
	saved   State
	failing bool // the state could not be saved
	active  int
	results chan result
}

// result is what became of a delivery.
type result struct {
	batch []item
	note  *Notification
	err   error
}

// Run reads events and tells of them until ctx ends, and returns nil then. What is under way is given up,
// and told by the next run. Nothing that fails later ends it: it says so in the log and goes on.
func Run(ctx context.Context, c Config) error {
	r := &run{Config: c, desk: newDesk(&c), watch: watch{patience: c.UnreachableAfter},
		results: make(chan result, c.AtOnce)} // room for all that are under way: no delivery waits for the loop
	r.load()
	readings := make(chan control.Reading)
	ctx, stop := context.WithCancel(ctx)
	var others sync.WaitGroup
	after := r.desk.ledger.after // read here: the ledger is the loop's
	others.Go(func() { r.follow(ctx, after, readings) })
	defer func() {
		stop()
		others.Wait()
		r.finish()
	}()
	for {
		at := r.start(ctx, &others)
		r.save()
		select {
		case <-ctx.Done():
			return nil
		case a := <-readings:
			r.take(a)
		case x := <-r.results:
			r.settle(ctx, x)
		case <-r.Test:
			r.desk.own(own(Test, time.Now(), "asked for by a signal"), time.Now())
		case <-alarm(at):
		}
		if e, tell := r.watch.due(time.Now()); tell {
			r.Log.Warn("daemon unreachable", "why", e.Why)
			r.desk.own(e, time.Now())
		}
	}
}

// load takes up what an earlier run has remembered. A state that cannot be read is lost, and somebody is told.
func (r *run) load() {
	if r.StatePath == "" {
		return
	}
	s, err := LoadState(r.StatePath)
	switch {
	case err != nil:
		r.Log.Error("state lost: beginning with what is new", "error", err)
		r.desk.own(own(Missed, time.Now(), err.Error()), time.Now())
	case s != nil:
		r.begun, r.saved = true, *s
		r.desk.ledger.restore(s.After, s.Told)
		r.watch.restore(s.Unreachable)
	}
}

// start begins as many deliveries as may be, and returns when to look again without news; the zero time is
// never.
func (r *run) start(ctx context.Context, others *sync.WaitGroup) time.Time {
	at := time.Time{}
	for r.active < r.AtOnce {
		var batch []item
		if batch, at = r.desk.next(time.Now()); batch == nil {
			break
		}
		note := r.desk.notification(batch)
		r.active++
		others.Go(func() { r.results <- result{batch, note, deliver(ctx, r.Sender, note, r.Patience, r.Log)} })
	}
	return earlier(at, r.watch.next())
}

// settle takes note of what became of a delivery. One that was cut short by the end is for the next run.
func (r *run) settle(ctx context.Context, x result) {
	r.active--
	if x.err != nil && ctx.Err() != nil {
		return
	}
	event := string(x.note.Event.Event)
	if x.err != nil {
		r.Log.Error("notification not delivered", "event", event, "error", x.err)
		r.desk.undelivered(x.batch, x.note)
		return
	}
	r.Log.Info("notification delivered", "event", event, "events", len(x.batch))
	r.desk.delivered(x.batch)
}

// finish takes in what was delivered until the end. What was not is for the next run.
func (r *run) finish() {
	for ; r.active > 0; r.active-- {
		if x := <-r.results; x.err == nil {
			r.desk.delivered(x.batch)
		}
	}
	r.save()
}

// save remembers what has changed.
func (r *run) save() {
	l := &r.desk.ledger
	s := State{After: l.after, Told: l.settled(), Unreachable: r.watch.away()}
	if r.StatePath == "" || !r.begun || r.saved.equal(&s) {
		return
	}
	err := SaveState(r.StatePath, &s)
	if err != nil && !r.failing {
		r.Log.Error("state not saved: after a restart, the same is told again", "error", err)
	}
	if r.failing = err != nil; !r.failing {
		r.saved = s
	}
}

// alarm fires at a time, and never at the zero time.
func alarm(at time.Time) <-chan time.Time {
	if at.IsZero() {
		return nil
	}
	return time.After(time.Until(at))
}

// earlier returns the earlier of two times of which the zero time is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
