package daemon

import (
	"ebbgate/enforcer"
	"ebbgate/policy"
)

// inheritance is a table that an earlier run left in force.
type inheritance struct {
	seen  bool           // it was looked for
	until policy.Instant // it is left as it is before; 0: there is none
}

// inherit looks for a table of an earlier run, before the first decision is made, and tells that
// decision of the blocks in it. A census begins at once.
func (d *Daemon) inherit(o *policy.Observation) {
	if d.inheritance.seen {
		return
	}
	d.inheritance.seen = true
	have := d.Rules.Have()
	if !have.Present {
		return
	}
	longest := policy.Instant(0)
	for i := range d.Policy.Services {
		longest = max(longest, policy.Instant(d.Policy.Services[i].Response.Lease))
	}
	d.inheritance.until = o.At + longest
	d.census.suspected = true
	if have.Known {
		o.Inherited = enforcer.Inherited(&have.Ruleset)
		d.inheritCounts()
	}
	d.Log.Info("taking over the table of an earlier run", "table", "inet "+enforcer.TableName, "blocks", len(o.Inherited), "readable", have.Known)
}

// inheritCounts begins the tally at what the table's counters say: that was the earlier run's. Where
// they cannot be read it is taken for ours, and the fault says so.
func (d *Daemon) inheritCounts() {
	counts, err := d.Rules.Counts()
	d.faults.set(countersPart, err)
	for service, s := range d.tally.services {
		s.kernel.read(counts[service])
		s.kernel.each((*counter).restart)
	}
}

// leave reports whether an inherited table is to be left as it is: until a census has told who is over
// a limit, so that nobody it holds back gets through in between, or until one lease has passed, after
// which it holds back nobody but the blocked.
func (d *Daemon) leave(now policy.Instant) bool {
	if d.inheritance.until != 0 && (now >= d.inheritance.until || d.sight.Census.Taken || !d.Rules.Have().Present) {
		d.inheritance.until = 0
	}
	return d.inheritance.until != 0
}
