package daemon

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"ebbgate/enforcer"
	"ebbgate/observer"
	"ebbgate/policy"
)

// censusResult is what a census hands to the loop.
type censusResult struct {
	census policy.Census
	err    error
}

// closingResult is what a run of closings hands to the loop.
type closingResult struct {
	closed enforcer.Closed
	err    error
}

// censusPause is the least time from the end of one census to the start of the next.
const censusPause = 50 * time.Millisecond

// pause returns how long to wait after a census. Each brings a turn of the loop with it, whose cost
// the budget of the census does not know: turns keep to it by the clock.
func (d *Daemon) pause() time.Duration {
	share := time.Duration(d.Policy.Observe.CPUBudget)
	if d.decision.Watch.Attack {
		share *= observer.AttackFactor
	}
	return max(censusPause, d.turnTook*1000/share)
}

// count starts a census if one is warranted, affordable, and none is under way. Suspicion that
// cannot be looked into at once is not forgotten with the counters that raised it.
func (d *Daemon) count() {
	now, depth := d.Now(), d.decision.Watch.Depth()
	d.suspected = d.suspected || depth > policy.Routine
	if d.suspected {
		depth = max(depth, policy.Suspicious)
	}
	if d.counting || now < d.countFrom || !d.budget.Allow(now, depth) {
		return
	}
	d.counting, d.suspected = true, false
	ctx := d.jobs
	go func() {
		c, err := d.Watcher.Census(ctx)
		d.censuses <- censusResult{c, err}
	}()
}

// counted takes a census over into the next turn.
func (d *Daemon) counted(r censusResult) {
	d.counting = false
	now := d.Now()
	d.countFrom = now.Add(d.pause())
	d.budget.Spend(now, r.census.CPU)
	err := r.err
	if err == nil && r.census.Taken && !r.census.Complete {
		err = errIncomplete
	}
	d.faults.set("census", err)
	if r.census.Taken {
		d.taken, d.latest = r.census, r.census
	}
}

// closeExcess starts a run of closings if evidence calls for one that has not been acted upon.
// It comes after the transaction that refuses new connections, and not at all if the kernel
// refused that: what is closed would only be opened again.
func (d *Daemon) closeExcess() {
	if d.closing || !d.Rules.Have().Known || !d.Rules.Have().Present {
		return
	}
	newest := d.closedAt
	for _, l := range d.decision.Limits {
		if l.Close && l.Mode == policy.Enforce {
			newest = max(newest, l.Counted)
		}
	}
	if newest == d.closedAt {
		return
	}
	d.closedAt = newest
	d.closing = true
	p, limits := d.Policy, d.decision.Limits
	go func() {
		closed, err := d.Closer.Excess(p, limits)
		d.closings <- closingResult{closed, err}
	}()
}

// closed takes the outcome of a run over.
func (d *Daemon) closed(r closingResult) {
	d.closing = false
	d.faults.set("closing", r.err)
	for _, service := range slices.Sorted(maps.Keys(r.closed.Counts)) {
		n := r.closed.Counts[service]
		d.tally.closed[service] += uint64(n)
		d.Log.Info("closed excess connections", "service", service, "count", n)
	}
	if r.closed.Left > 0 {
		d.Log.Info("connections left to close", "count", r.closed.Left)
	}
}

// summary is the line the service manager shows.
func (d *Daemon) summary() string {
	if len(d.faults.list) > 0 {
		return "degraded: " + d.faults.list[0].Text
	}
	if len(d.decision.Attacks) == 0 {
		return fmt.Sprintf("peace; watching %d services", len(d.Policy.Services))
	}
	return fmt.Sprintf("attack on %d of %d services; %d sources limited", len(d.decision.Attacks), len(d.Policy.Services), len(d.decision.Limits))
}
