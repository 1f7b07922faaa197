package policy

import (
	"cmp"
	"slices"
)

// Step decides. It is a pure function: it reads no clock and changes none of its arguments, and
// the same policy, state and observation give the same state and decision, byte for byte (P11).
//
// An observation older than the state means that the machine was started anew since the state
// was saved; the state is then discarded.
func Step(p *Policy, s State, o Observation) (State, Decision) {
	if o.At < s.At {
		s = State{Attacks: s.Attacks}
	}
	d := Decision{At: o.At, Watch: Watch{Suspicion: suspect(p, &s, &o)}}
	next := State{At: o.At, Attacks: s.Attacks, Census: s.Census}
	advance(&s, &o, &next)
	if o.Census.Taken {
		next.Census = o.Census.From
	}
	for _, svc := range byName(p) {
		st := serviceStep{policy: p, service: svc, at: o.At, wall: o.Wall, census: &o.Census, next: &next, out: &d}
		st.run(s.service(svc.Name))
	}
	for _, old := range s.Services {
		if p.Service(old.Service) == nil && old.Attack.ID != 0 {
			d.Events = append(d.Events, Event{Kind: AttackEnded, At: o.At, Service: old.Service,
				Attack: old.Attack.ID, Count: 1, Why: "the service left the policy"})
		}
	}
	arm(p, &s, &o, &next, &d)
	d.Watch.Attack = len(d.Attacks) > 0
	d.Next = wake(o.At, &d)
	return next, d
}

// advance keeps the counters to compare with next time, and the levels above which connections are
// rising: the least seen since the last census.
func advance(s *State, o *Observation, next *State) {
	next.Counters, next.Base, next.Tracked = s.Counters, s.Base, s.Tracked
	if !o.Counters.Valid {
		return
	}
	next.Counters = o.Counters
	if o.Census.Taken || !s.Counters.Valid {
		next.Base, next.Tracked = o.Counters.CurrEstab, o.Counters.ConntrackCount
		return
	}
	next.Base = min(s.Base, o.Counters.CurrEstab)
	next.Tracked = min(s.Tracked, o.Counters.ConntrackCount)
}

// byName returns the services in the order in which decisions list them.
func byName(p *Policy) []*Service {
	svcs := make([]*Service, len(p.Services))
	for i := range p.Services {
		svcs[i] = &p.Services[i]
	}
	slices.SortFunc(svcs, func(a, b *Service) int { return cmp.Compare(a.Name, b.Name) })
	return svcs
}

// wake returns the earliest end of a lease. Quiet times end with a census, which is new input.
func wake(now Instant, d *Decision) Instant {
	var next Instant
	sooner := func(until Instant) {
		if until > now && (next == 0 || until < next) {
			next = until
		}
	}
	for i := range d.Limits {
		sooner(d.Limits[i].Until)
	}
	for i := range d.Watched {
		sooner(d.Watched[i].Until)
	}
	for i := range d.Meters {
		sooner(d.Meters[i].Until)
	}
	return next
}
