package policy

import (
	"cmp"
	"maps"
	"slices"
)

// Step decides. It is a pure function: it reads no clock and changes none of its arguments, and
// the same policy, state and observation give the same state and decision, byte for byte (P11).
//
// An observation older than the state means that the machine was started anew since the state
// was saved; the state is then discarded.
func Step(p *Policy, s State, o Observation) (State, Decision) {
	if o.At < s.At {
		s = State{Attacks: s.Attacks, Seed: s.Seed}
	}
	d := Decision{At: o.At, Watch: Watch{Suspicion: suspect(p, &s, &o)}}
	next := State{At: o.At, Begun: s.Begun, Attacks: s.Attacks, Census: s.Census, Endings: s.Endings, Opened: s.Opened, Estab: s.Estab, Seed: s.Seed}
	if s.At == 0 {
		next.Begun = o.At
	}
	advance(&s, &o, &next)
	p = moding(p, &s, &o, &next, &d)
	exempting(p, &s, &o, &next, &d)
	track(p, &s, &o, &next, &d)
	tellLost(&s, &o, &d)
	pressure := synPressure(&s, &o)
	room := p.Limits.MaxBlocks - blocksIn(p, s.Blocks)
	aside := asideForHand(p, &s, &o, &d, &room)
	exempt := exemptEverywhere(p, &d)
	told := d.Events
	var blocks [][]BlockState
	for _, svc := range byName(p) {
		st := serviceStep{exempt: exemptAt(exempt, svc, &d), policy: p, service: svc, o: &o, prev: &s, next: &next, out: &d,
			blocks: blocksOf(s.Blocks, svc.Name), room: &room, aside: &aside, told: told, pressure: pressure}
		st.run(s.service(svc.Name))
		blocks = append(blocks, st.blocks.list)
	}
	next.keepBlocks(s.Blocks, blocks)
	d.Blocks = next.joinBlocks(&s)
	leave(p, &s, &o, &d)
	expected(&d)
	if churning(&next) {
		d.Watch.Suspicion = append(d.Watch.Suspicion, "connections ending fast")
	}
	d.Watch.Attack = anyBySources(d.Attacks)
	arm(p, &s, &o, &next, &d)
	d.Next = wake(o.At, &d)
	return next, d
}

// churning reports whether a source may be churning, which a census has to tell.
func churning(s *State) bool {
	for i := range s.Services {
		for j := range s.Services[i].Sources {
			if src := &s.Services[i].Sources[j]; src.Fast > 0 && !src.Churn.raised() {
				return true
			}
		}
	}
	return false
}

// leave ends the attacks and blocks of services the policy does not have any more.
func leave(p *Policy, s *State, o *Observation, d *Decision) {
	const why = "the service left the policy"
	for _, old := range s.Services {
		if p.Service(old.Service) != nil {
			continue
		}
		for _, a := range old.Attacks {
			a.Ended, a.EndedWall, a.EndedWhy = o.At, o.Wall, why
			d.Ended = append(d.Ended, a)
			d.Events = append(d.Events, Event{Kind: AttackEnded, At: o.At, Service: old.Service, Attack: a.ID, Cause: a.Kind, Count: 1, Why: why})
		}
	}
	freed := make(map[string]int)
	for rest := s.Blocks; len(rest) > 0; {
		of := blocksOf(rest, rest[0].Service).list
		rest = rest[len(of):]
		if p.Service(of[0].Service) != nil {
			continue
		}
		for i := range of {
			if of[i].Until > o.At {
				freed[of[i].Service]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(freed)) {
		d.Events = append(d.Events, Event{Kind: SourceFreed, At: o.At, Service: name, Count: freed[name], Why: why})
	}
}

// advance keeps when things were counted, the counters to compare with next time, and the levels above
// which connections are rising: the least seen since the last census.
func advance(s *State, o *Observation, next *State) {
	if o.Census.Taken {
		next.Census = o.Census.From
	}
	if e := &o.Endings; e.Taken && e.From.Add(e.Span) > s.Endings {
		next.Endings, next.Opened, next.Estab = e.From.Add(e.Span), o.Counters.PassiveOpens, o.Counters.CurrEstab
	}
	if next.Seed == 0 {
		next.Seed = uint64(o.Wall)*0x9e3779b97f4a7c15 | 1
	}
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

// wake returns the earliest end of a lease, given that of the blocks. Quiet times end with a census,
// which is new input.
func wake(now Instant, d *Decision) Instant {
	next := d.Next
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
	for i := range d.Drops {
		sooner(d.Drops[i].Until)
	}
	for i := range d.Exempt {
		sooner(d.Exempt[i].Until)
	}
	for i := range d.Modes {
		sooner(d.Modes[i].Until)
	}
	for i := range d.Proxies {
		sooner(d.Proxies[i].Until)
		sooner(d.Proxies[i].Drain)
	}
	return next
}
