package daemon

import (
	"maps"
	"slices"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/policy"
)

// closings is what the loop knows of the closing beside it.
type closings struct {
	results chan closingResult // capacity 1: one run at a time
	running bool
	counted policy.Instant // evidence up to here has been acted upon
	blocked policy.Instant // and blocks that began up to here
	cuts    []policy.Cut   // closed since the last turn, by service and source: each run brings a turn
}

// closingResult is what a run of closings hands to the loop.
type closingResult struct {
	closed enforcer.Closed
	err    error

	forgetting bool // it was a run of Forget
	forgotten  int  // tracked connections
	more       bool // are left
}

// due returns the newest evidence that calls for closing and the beginning of the newest block that
// does. A block that begins by the clock has no newer evidence than the limit before it had, which
// has been acted upon: its beginning counts (P13).
func (c *closings) due(d *policy.Decision) (counted, blocked policy.Instant) {
	counted, blocked = c.counted, c.blocked
	for i := range d.Limits {
		if l := &d.Limits[i]; l.Close && l.Mode == policy.Enforce {
			counted = max(counted, l.Counted)
		}
	}
	for i := range d.Blocks {
		if b := &d.Blocks[i]; b.Close && b.Mode == policy.Enforce {
			counted, blocked = max(counted, b.Counted), max(blocked, b.Since)
		}
	}
	for i := range d.Reliefs {
		if r := &d.Reliefs[i]; r.Mode == policy.Enforce {
			counted = max(counted, r.Counted)
		}
	}
	return counted, blocked
}

// close starts a run of closings if something calls for one that has not been acted upon. It comes
// after the transaction that turns new connections away, and not at all if the kernel refused that:
// what is closed would only be opened again.
func (d *Daemon) close() {
	c := &d.closings
	if have := d.Rules.Have(); c.running || d.table.refused != nil || !have.Known || !have.Present {
		return
	}
	counted, blocked := c.due(&d.decision)
	if counted == c.counted && blocked == c.blocked {
		return
	}
	c.running, c.counted, c.blocked = true, counted, blocked
	p, decision := d.acting, d.decision
	go func() {
		closed, err := d.Closer.Cut(p, &decision)
		c.results <- closingResult{closed: closed, err: err}
	}()
}

// closed takes the outcome of a run over.
func (d *Daemon) closed(r closingResult) {
	d.closings.running = false
	d.faults.set("closing", r.err)
	for _, c := range r.closed.BySource {
		d.closings.cuts = append(d.closings.cuts, policy.Cut(c))
	}
	for _, service := range slices.Sorted(maps.Keys(r.closed.Counts)) {
		n := r.closed.Counts[service]
		if n == 0 {
			continue
		}
		d.tally.of(service).closed += uint64(n)
		d.happened("closed excess connections", control.Event{Event: control.ExcessClosed, Service: service, Count: n})
	}
	if r.forgetting {
		d.forgot(&r)
	}
	if r.closed.Left > 0 {
		d.Log.Info("connections left to close", "count", r.closed.Left)
	}
}
