package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ebbgate/enforcer"
	"ebbgate/policy"
)

const (
	// firstBackoff and lastBackoff bound the wait after a transaction the kernel refused.
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// Run turns the loop until ctx is cancelled. It then waits for a census or a run of closings that
// is under way. The table is the caller's to remove.
func (d *Daemon) Run(ctx context.Context) error {
	d.jobs = ctx
	d.turn()
	d.tell(d.Manager.Ready())
	d.Log.Info("ready", "policy", d.PolicyPath, "services", len(d.Policy.Services), "table_owned", d.Rules.Owned())
	timer := time.NewTimer(d.wait())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			d.tell(d.Manager.Stopping())
			d.heard()
			d.finish()
			return nil
		case <-d.Reload:
			d.load()
		case r := <-d.censuses:
			d.counted(r)
		case r := <-d.closings:
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

// turn is one pass from kernel to kernel. The watchdog is fed at its end: a loop that is stuck
// anywhere in it stops feeding.
func (d *Daemon) turn() {
	began := d.Now()
	d.seen = d.Watcher.Tick()
	d.seen.Census, d.taken = d.taken, policy.Census{}
	d.meter(&d.seen)
	d.faults.observed(d.seen.Faults)
	before := d.state
	d.state, d.decision = policy.Step(d.Policy, before, d.seen)
	d.record(&before)
	d.Watcher.Arm(d.decision.Watch.Endings)
	d.log(d.decision.Events)
	d.look()
	d.enforce()
	d.closeExcess()
	d.count()
	d.publish()
	d.tell(d.Manager.Watchdog())
	d.heard()
	now := d.Now()
	d.turnTook, d.turnAt = now.Sub(began), now.Add(d.Policy.Observe.Tick)
	if next := d.decision.Next; next > now {
		d.turnAt = min(d.turnAt, next)
	}
}

// wait returns how long the loop may sleep: until the next turn, which comes after a tick or when a
// lease ends, or until a census that cannot wait for it may start.
func (d *Daemon) wait() time.Duration {
	now := d.Now()
	until := d.turnAt
	if now < d.countFrom && d.suspected {
		until = min(until, d.countFrom)
	}
	return max(until.Sub(now), time.Millisecond)
}

// tell records whether the service manager took a message.
func (d *Daemon) tell(err error) { d.unheard = errors.Join(d.unheard, err) }

// heard ends a round of messages. They share one fault: a message that was not due, and so was not
// sent, must not end the fault of one that could not be.
func (d *Daemon) heard() {
	d.faults.set("service manager", d.unheard)
	d.unheard = nil
}

// look notices what others did to the rules, where anything of ours is there or about to be.
func (d *Daemon) look() {
	change, err := d.Rules.Look(len(d.decision.Limits)+len(d.decision.Watched)+len(d.decision.Meters) > 0)
	d.faults.set("rules", err)
	if change.Lost {
		d.tally.fold()
		d.Log.Warn("somebody removed our table; building it again", "table", "inet "+enforcer.TableName)
	}
	if change.Track {
		d.Log.Info("conntrack", "used_by_others", d.Rules.Environment().OthersTrack)
	}
}

// enforce makes the decision hold, in one transaction. A refused one is tried again with the
// table listed afresh, at growing intervals.
func (d *Daemon) enforce() {
	now := d.Now()
	d.wanted = enforcer.Compile(d.Policy, &d.decision, d.Rules.Environment())
	if now < d.retryAt {
		return
	}
	plan := enforcer.Diff(d.Rules.Have(), d.wanted, now)
	if !plan.Empty() {
		// Removing the table removes its counters.
		d.readCounts(now)
	}
	if err := d.Rules.Apply(plan); err != nil {
		d.backoff = min(max(2*d.backoff, firstBackoff), lastBackoff)
		d.retryAt = now.Add(d.backoff)
		d.faults.set("table", fmt.Errorf("%w; trying again in %v", err, d.backoff))
		return
	}
	d.backoff, d.retryAt, d.made = 0, 0, true
	d.faults.set("table", nil)
	if plan.Replaces() {
		d.tally.fold()
	}
	d.noteFirstRules()
}

// noteFirstRules remembers when each attack first met a rule, and forgets attacks that ended.
func (d *Daemon) noteFirstRules() {
	open := make(map[uint64]policy.Instant, len(d.decision.Attacks))
	for _, a := range d.decision.Attacks {
		at, known := d.rules[a.ID]
		if !known && d.Rules.Have().Present {
			at, known = d.Now(), true
		}
		if known {
			open[a.ID] = at
		}
	}
	d.rules = open
}

// finish waits for the goroutines, so that nothing uses a socket the caller is about to close. What
// was closed until the end is told like any other.
func (d *Daemon) finish() {
	if d.counting {
		<-d.censuses
	}
	if d.closing {
		d.closed(<-d.closings)
	}
}

// errIncomplete is why a census that ended early is a fault.
var errIncomplete = errors.New("the census is not complete; what it missed counts as unknown")
