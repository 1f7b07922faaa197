package suggest

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"ebbgate/policy"
)

const (
	// DefaultSpan is how long a source must hold connections to sustain them.
	DefaultSpan = 10 * time.Second
	// spanCensuses is the least number of censuses of a span.
	spanCensuses = 3
	// rateSpan is the time over which a rate is measured, at least.
	rateSpan = 3 * time.Second
	// minTracked is the least number of sources kept for a service.
	minTracked = policy.MinMaxSources
)

// Options say what is known beside the observations.
type Options struct {
	// Policy holds the services, who is exempt, and what would be an attack; nil: the services are those
	// of the observations.
	Policy *policy.Policy
	// State is that of the policy before the first observation.
	State policy.State
	// Span is how long a source must hold connections to sustain them; 0: DefaultSpan.
	Span time.Duration
}

// Collector takes in observations and keeps what a Proposal is made of. It belongs to one goroutine.
type Collector struct {
	opts     Options
	exempt   []netip.Prefix
	sources  int // observe.max_sources
	services []*service
	state    policy.State
	seen     seen
}

// seen is what holds for all services.
type seen struct {
	any         bool
	first, last int64 // Unix nanoseconds
	began, at   policy.Instant
	censuses    int // complete ones
	incomplete  int
	counters    policy.Counters // last valid ones
	cookies     uint64          // sent meanwhile
	overflows   uint64          // of accept queues, meanwhile
	faults      []policy.Fault  // the first of each part, at most maxNotes
}

// New returns a Collector that has seen nothing.
func New(o Options) *Collector {
	o.Span = cmp.Or(o.Span, DefaultSpan)
	c := &Collector{opts: o, state: o.State, sources: policy.DefaultMaxSources}
	if o.Policy != nil {
		c.exempt = o.Policy.Exempt.Prefixes
		c.sources = o.Policy.Observe.MaxSources
		for i := range o.Policy.Services {
			c.services = append(c.services, &service{policy: o.Policy.Services[i], listed: true})
		}
	}
	c.underway()
	return c
}

// underway notes the attacks that were open in the state before the first observation. A policy without
// services ends all of them, and says so.
func (c *Collector) underway() {
	at := c.state.At
	_, d := policy.Step(&policy.Policy{}, c.state, policy.Observation{At: at})
	for i := range d.Events {
		if s := c.service(d.Events[i].Service); s != nil && d.Events[i].Kind == policy.AttackEnded {
			s.underway = true
		}
	}
}

// Add takes in one observation. They must come in the order of their time; one that is older than the
// last begins anew with spans, but keeps all figures.
func (c *Collector) Add(o *policy.Observation) {
	c.times(o)
	c.counters(&o.Counters)
	for _, f := range o.Faults {
		known := slices.ContainsFunc(c.seen.faults, func(k policy.Fault) bool { return k.Part == f.Part })
		if !known && len(c.seen.faults) < maxNotes {
			c.seen.faults = append(c.seen.faults, f)
		}
	}
	for i := range o.Listeners {
		if s := c.service(o.Listeners[i].Service); s != nil && !s.listed {
			s.port(o.Listeners[i].Local.Port())
		}
	}
	c.judge(o)
	c.census(o)
	c.endings(o)
}

// Progress tells how many whole censuses there were, and of the heaviest service the sources.
func (c *Collector) Progress() (censuses, sources int) {
	for _, s := range c.services {
		sources = max(sources, len(s.sources.entries))
	}
	return c.seen.censuses, sources
}

func (c *Collector) times(o *policy.Observation) {
	if !c.seen.any {
		c.seen.any, c.seen.first, c.seen.began = true, o.Wall, o.At
	}
	if o.At < c.seen.at {
		for _, s := range c.services {
			s.restart()
		}
	}
	c.seen.last, c.seen.at = o.Wall, o.At
}

// counters adds up what the kernel's counters grew by. One that went back was reset.
func (c *Collector) counters(now *policy.Counters) {
	if !now.Valid {
		return
	}
	if before := &c.seen.counters; before.Valid {
		c.seen.cookies += grown(before.CookiesSent, now.CookiesSent)
		c.seen.overflows += grown(before.ListenOverflows, now.ListenOverflows)
	}
	c.seen.counters = *now
}

func grown(before, now uint64) uint64 {
	if now < before {
		return 0
	}
	return now - before
}

// judge finds out which services were under attack by the policy there is.
func (c *Collector) judge(o *policy.Observation) {
	if c.opts.Policy == nil {
		return
	}
	var d policy.Decision
	c.state, d = policy.Step(c.opts.Policy, c.state, *o)
	for _, s := range c.services {
		s.attacked = false
	}
	for i := range d.Attacks {
		if s := c.service(d.Attacks[i].Service); s != nil {
			s.attacked, s.everAttacked = true, true
		}
	}
}

// census takes in a census. One that is not complete has lower bounds only and counts for nothing.
func (c *Collector) census(o *policy.Observation) {
	if !o.Census.Taken {
		return
	}
	if !o.Census.Complete {
		c.seen.incomplete++
		return
	}
	c.seen.censuses++
	for i := range o.Census.Services {
		count := &o.Census.Services[i]
		if s := c.service(count.Service); s != nil {
			s.census(count, c.ordinary(s, count), o, c.opts.Span, c.bound())
		}
	}
}

func (c *Collector) endings(o *policy.Observation) {
	if !o.Endings.Taken {
		return
	}
	for i := range o.Endings.Services {
		e := &o.Endings.Services[i]
		s := c.service(e.Service)
		if s == nil {
			continue
		}
		ended := make([]level, 0, len(e.Sources))
		for _, src := range e.Sources {
			if src.Ended > 0 && !c.excluded(s, src.Source) {
				ended = append(ended, level{src.Source, src.Ended})
			}
		}
		s.endings(ended, &o.Endings, o.Wall, c.bound())
	}
}

// ordinary returns the sources of a census to which the limit for all applies: not those that are
// exempt or have an override.
func (c *Collector) ordinary(s *service, count *policy.ServiceCensus) []level {
	levels := make([]level, 0, len(count.Sources))
	for i := range count.Sources {
		if src := &count.Sources[i]; src.Held > 0 && !c.excluded(s, src.Source) {
			levels = append(levels, level{src.Source, src.Held})
		}
	}
	return levels
}

func (c *Collector) excluded(s *service, source netip.Prefix) bool {
	if policy.Covers(c.exempt, source) {
		return true
	}
	for _, o := range s.policy.Overrides {
		if o.Prefix.Bits() <= source.Bits() && o.Prefix.Contains(source.Addr()) {
			return true
		}
	}
	return false
}

// bound is how many sources may be kept for one service.
func (c *Collector) bound() int {
	return max(minTracked, c.sources/max(1, len(c.services)))
}

// service returns the service of that name. Without a policy one that is new is added; nil means
// that it is none of ours.
func (c *Collector) service(name string) *service {
	for _, s := range c.services {
		if s.policy.Name == name {
			return s
		}
	}
	if c.opts.Policy != nil || !validName(name) || len(c.services) == policy.MaxServices {
		return nil
	}
	s := &service{policy: policy.Service{Name: name}}
	c.services = append(c.services, s)
	return s
}
