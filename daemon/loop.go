package daemon

import (
	"context"
	"errors"
	"strings"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// Run turns the loop until ctx is cancelled. It then waits for a census or a run of closings that
// is under way. The table is the caller's to remove.
func (d *Daemon) Run(ctx context.Context) error {
	d.jobs = ctx
	d.happened("started", control.Event{Event: control.Started, Why: d.Version}, "policy", d.PolicyPath)
	d.tellModes()
	d.turn()
	d.tell(d.Manager.Ready())
	d.happened("ready", control.Event{Event: control.Ready, Why: d.PolicyPath}, "services", len(d.Policy.Services), "table_owned", d.Rules.Owned())
	d.publishEvents()
	timer := time.NewTimer(d.wait())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			d.happened("stopping", control.Event{Event: control.Stopping})
			d.publishEvents()
			d.tell(d.Manager.Stopping())
			d.heard()
			d.finish()
			d.keepEnd()
			return nil
		case <-d.Reload:
			d.load(unanswered, 0)
		case o := <-d.Orders:
			d.take(o)
		case r := <-d.census.results:
			d.counted(r)
		case r := <-d.closings.results:
			d.closed(r)
		case <-timer.C:
			if d.Now() < d.turnAt {
				// Only a census is due; what it finds brings the next turn.
				d.count()
				timer.Reset(d.wait())
				continue
			}
		}
		d.turn()
		timer.Reset(d.wait())
	}
}

// lookEvery is how often a table that others may change is looked at, however slow the tick: P3 promises to
// mend it within a second.
const lookEvery = 500 * time.Millisecond

// turn is one pass from kernel to kernel. The watchdog is fed at its end: a loop that is stuck
// anywhere in it stops feeding.
func (d *Daemon) turn() {
	began := d.Now()
	d.endTrial()
	d.observe()
	before := d.state
	d.state, d.decision = d.step(d.Policy, before, d.seen)
	d.record(&before)
	d.act()
	d.Watcher.Arm(d.decision.Watch.Endings)
	d.tellExempt()
	d.decided(d.decision.Events)
	d.tally.decided(&d.decision)
	d.look()
	d.enforce()
	d.close()
	d.forget()
	d.remember()
	d.count()
	d.serve()
	d.publish()
	d.loaded()
	d.tell(d.Manager.Watchdog())
	d.heard()
	d.acknowledge()
	now := d.Now()
	d.turnAt = now.Add(d.Policy.Observe.Tick)
	d.turns.add(now.Sub(began))
	if d.Rules.Have().Present && !d.Rules.Owned() {
		d.turnAt = min(d.turnAt, now.Add(lookEvery))
	}
	if next := d.decision.Next; next > now {
		d.turnAt = min(d.turnAt, next)
	}
	if d.trial.until != 0 {
		d.turnAt = min(d.turnAt, d.trial.until)
	}
}

// observe asks the kernel, and adds what came in since the last turn.
func (d *Daemon) observe() {
	d.seen = d.Watcher.Tick()
	d.seen.Census, d.census.taken = d.census.taken, policy.Census{}
	d.seen.Closed, d.closings.cuts = d.closings.cuts, nil
	d.seen.Orders = d.orders()
	d.trial.spare(d.seen.Orders)
	d.inherit(&d.seen)
	d.meter(&d.seen)
	d.neighbours(&d.seen)
	d.bereave(&d.seen)
	d.faults.observed(d.seen.Faults)
}

// wait returns how long the loop may sleep: until the next turn, which comes after a tick or when a
// lease ends, or until a census that cannot wait for it may start.
func (d *Daemon) wait() time.Duration {
	now := d.Now()
	until := d.turnAt
	if now < d.census.from && d.census.suspected {
		until = min(until, d.census.from)
	}
	return max(until.Sub(now), time.Millisecond)
}

// tell records whether the service manager took a message. What keeps it from taking one is mostly true of
// all, and said once.
func (d *Daemon) tell(err error) {
	if err == nil || d.unheard != nil && strings.Contains(d.unheard.Error(), err.Error()) {
		return
	}
	d.unheard = errors.Join(d.unheard, err)
}

// heard ends a round of messages. They share one fault: a message that was not due, and so was not
// sent, must not end the fault of one that could not be.
func (d *Daemon) heard() {
	d.faults.set("service manager", d.unheard)
	d.unheard = nil
}

// finish waits for the goroutines, so that nothing uses a socket the caller is about to close. What
// was closed until the end is told like any other.
func (d *Daemon) finish() {
	if d.census.running {
		<-d.census.results
	}
	if d.closings.running {
		d.closed(<-d.closings.results)
	}
}
