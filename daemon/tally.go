package daemon

import (
	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/policy"
)

// tally sums up for each service what was done, or would have been in shadow mode, since the daemon
// started or the service got its present mode.
type tally struct {
	services map[string]*serviceTally // those of the policy
	readAt   policy.Instant           // when the kernel's counters were
	excess   map[uint64]int           // connections over their limits, of the attacks that are open
}

// serviceTally is one service's part of a tally.
type serviceTally struct {
	mode   policy.Mode
	since  control.Time // it began then; zero: as the daemon did
	kernel counters
	closed uint64                 // connections
	blocks uint64                 // begun
	begun  map[policy.Kind]uint64 // attacks
}

// counters are those the kernel keeps for a service, as enforcer.Counts has them.
type counters struct{ refused, held, blocked, dropped, proxied counter }

// each calls f for all of them.
func (c *counters) each(f func(*counter)) {
	for _, one := range []*counter{&c.refused, &c.held, &c.blocked, &c.dropped, &c.proxied} {
		f(one)
	}
}

func (c *counters) read(n enforcer.Counts) {
	c.refused.read(n.Refused)
	c.held.read(n.Held)
	c.blocked.read(n.Blocked)
	c.dropped.read(n.Dropped)
	c.proxied.read(n.Proxied)
}

func (s *serviceTally) begin(k policy.Kind) {
	if s.begun == nil {
		s.begun = make(map[policy.Kind]uint64, len(policy.Kinds()))
	}
	s.begun[k]++
}

// kinds returns how many attacks of each kind began.
func (s *serviceTally) kinds() []control.KindCount {
	var out []control.KindCount
	for _, k := range policy.Kinds() {
		out = append(out, control.KindCount{Kind: k, Count: s.begun[k]})
	}
	return out
}

// sums is what a tally comes to for one service.
type sums struct {
	refused, blocked, dropped, proxied uint64 // packets
	closed, blocks                     uint64
	begun                              []control.KindCount
	since                              control.Time
}

// counter follows one counter of the kernel, which begins at 0 whenever it is made anew.
type counter struct {
	gone   uint64 // counted by those before the present one
	before uint64 // counted by the present one before the tally began
	last   uint64 // reading of the present one
}

func (c *counter) read(n uint64) {
	if n < c.last {
		c.end()
	}
	c.last = n
}

// end keeps what the present counter counted.
func (c *counter) end() { *c = counter{gone: c.sum()} }

func (c *counter) sum() uint64 { return c.gone + c.last - c.before }

// restart begins to tally the same counter anew.
func (c *counter) restart() { *c = counter{before: c.last, last: c.last} }

// countersPart names the table's counters among the faults.
const countersPart = "counters of the table"

func newTally(p *policy.Policy) tally {
	var t tally
	t.keep(p, control.Time{})
	return t
}

// of returns the part of a service. What is told of one that has left the policy is not kept.
func (t *tally) of(service string) *serviceTally {
	if s := t.services[service]; s != nil {
		return s
	}
	return &serviceTally{}
}

// readCounts reads the kernel's counters. Those of a table that an earlier run left are not ours.
func (d *Daemon) readCounts(now policy.Instant) {
	if !d.table.made {
		return
	}
	counts, err := d.Rules.Counts()
	d.faults.set(countersPart, err)
	if err != nil {
		return
	}
	for service, s := range d.tally.services {
		s.kernel.read(counts[service])
	}
	d.tally.readAt = now
}

// keep follows a policy: it forgets the services that are gone, and begins anew with those whose mode
// is another, at that time.
func (t *tally) keep(p *policy.Policy, now control.Time) {
	services := make(map[string]*serviceTally, len(p.Services))
	for i := range p.Services {
		svc := &p.Services[i]
		s := t.of(svc.Name)
		if s.mode != svc.Mode {
			s = &serviceTally{kernel: s.kernel, since: now}
			s.kernel.each((*counter).restart)
		} else if t.services[svc.Name] == nil {
			s.since = now
		}
		s.mode = svc.Mode
		services[svc.Name] = s
	}
	t.services = services
}

// fold keeps the counts of a table that is gone.
func (t *tally) fold() {
	for _, s := range t.services {
		s.kernel.each((*counter).end)
	}
}

// decided takes over what a decision began. In shadow mode, what was to be closed counts as what
// would have been.
func (t *tally) decided(d *policy.Decision) {
	for i := range d.Events {
		switch e := &d.Events[i]; e.Kind {
		case policy.SourceBlocked:
			t.of(e.Service).blocks += uint64(e.Count)
		case policy.AttackBegan:
			t.of(e.Service).begin(e.Cause)
		}
	}
	excess := make(map[uint64]int, len(d.Attacks))
	for _, list := range [][]policy.Attack{d.Attacks, d.Ended} {
		for i := range list {
			a := &list[i]
			if s := t.of(a.Service); s.mode == policy.Shadow {
				s.closed += uint64(max(a.Excess-t.excess[a.ID], 0))
			}
			if a.Ended == 0 {
				excess[a.ID] = a.Excess
			}
		}
	}
	t.excess = excess
}

// sums returns what the tally comes to for each service.
func (t *tally) sums() map[string]sums {
	out := make(map[string]sums, len(t.services))
	for name, s := range t.services {
		k := &s.kernel
		out[name] = sums{refused: k.refused.sum() + k.held.sum(), blocked: k.blocked.sum(), dropped: k.dropped.sum(),
			proxied: k.proxied.sum(), closed: s.closed, blocks: s.blocks, begun: s.kinds(), since: s.since}
	}
	return out
}
