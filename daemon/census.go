package daemon

import (
	"errors"
	"time"

	"ebbgate/observer"
	"ebbgate/policy"
)

// census is what the loop knows of the counting beside it.
type census struct {
	budget    *observer.Budget
	results   chan censusResult // capacity 1: one census at a time
	running   bool
	from      policy.Instant // no census starts before
	suspected bool           // there was reason for one since the last one started
	taken     policy.Census  // arrived since the last turn
	count     uint64         // of those that were taken
	cpu       time.Duration  // that all of them took
}

// censusResult is what a census hands to the loop.
type censusResult struct {
	census policy.Census
	err    error
}

// censusPause is the least time from the end of one census to the start of the next.
const censusPause = 50 * time.Millisecond

// errIncomplete is why a census that ended early is a fault.
var errIncomplete = errors.New("the census is not complete; what it missed counts as unknown")

// pause returns how long to wait after a census. Each brings a turn of the loop with it, whose cost
// the budget of the census does not know: turns keep to it by the clock.
func (d *Daemon) pause() time.Duration {
	share := time.Duration(d.Policy.Observe.CPUBudget)
	if d.decision.Watch.Attack {
		share *= observer.AttackFactor
	}
	return max(censusPause, d.turns.last*1000/share)
}

// count starts a census if one is warranted, affordable, and none is under way. Suspicion that
// cannot be looked into at once is not forgotten with the counters that raised it.
func (d *Daemon) count() {
	c, now, depth := &d.census, d.Now(), d.decision.Watch.Depth()
	c.suspected = c.suspected || depth > policy.Routine
	if c.suspected {
		depth = max(depth, policy.Suspicious)
	}
	if c.running || now < c.from || !c.budget.Allow(now, depth) {
		return
	}
	c.running, c.suspected = true, false
	ctx := d.jobs
	go func() {
		counts, err := d.Watcher.Census(ctx)
		c.results <- censusResult{counts, err}
	}()
}

// counted takes a census over into the next turn.
func (d *Daemon) counted(r censusResult) {
	c, now := &d.census, d.Now()
	c.running, c.from = false, now.Add(d.pause())
	c.budget.Spend(now, r.census.CPU)
	err := r.err
	if err == nil && r.census.Taken && !r.census.Complete {
		err = errIncomplete
	}
	d.faults.set("census", err)
	if r.census.Taken {
		c.count, c.cpu = c.count+1, c.cpu+r.census.CPU
		c.taken, d.sight.Census = r.census, r.census
	}
}
