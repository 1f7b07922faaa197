package daemon

import (
	"maps"

	"ebbgate/enforcer"
	"ebbgate/policy"
)

// tally sums up for each service what was done since the daemon started. The kernel's counters
// begin at 0 with each new table.
type tally struct {
	closed  map[string]uint64
	refused map[string]uint64          // of tables that are gone
	counts  map[string]enforcer.Counts // of the present one
	readAt  policy.Instant
}

// countersPart names the table's counters among the faults.
const countersPart = "counters of the table"

func newTally() tally {
	return tally{closed: make(map[string]uint64), refused: make(map[string]uint64)}
}

// readCounts reads the kernel's counters. Those of a table that an earlier run left are not ours.
func (d *Daemon) readCounts(now policy.Instant) {
	if !d.made {
		return
	}
	counts, err := d.Rules.Counts()
	d.faults.set(countersPart, err)
	if err != nil {
		return
	}
	for service, was := range d.tally.counts {
		if c := counts[service]; c.Refused < was.Refused || c.Held < was.Held {
			d.tally.refused[service] += was.Refused + was.Held
		}
	}
	d.tally.counts, d.tally.readAt = counts, now
}

// keep forgets the services a new policy does not have.
func (t *tally) keep(p *policy.Policy) {
	gone := func(service string, _ uint64) bool { return p.Service(service) == nil }
	maps.DeleteFunc(t.closed, gone)
	maps.DeleteFunc(t.refused, gone)
	maps.DeleteFunc(t.counts, func(service string, _ enforcer.Counts) bool { return p.Service(service) == nil })
}

// fold keeps the counts of a table that is gone.
func (t *tally) fold() {
	for service, c := range t.counts {
		t.refused[service] += c.Refused + c.Held
	}
	t.counts = nil
}

// packets returns how many packets of a service were turned away, or would have been.
func (t *tally) packets(service string) uint64 {
	c := t.counts[service]
	return t.refused[service] + c.Refused + c.Held
}
