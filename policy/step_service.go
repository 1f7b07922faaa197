package policy

import (
	"fmt"
	"net/netip"
)

// eventsPerService bounds the limits reported one by one for a service in one step; the rest is
// summed up.
const eventsPerService = 20

// serviceStep is one service's part of one Step.
type serviceStep struct {
	policy  *Policy
	service *Service
	at      Instant
	wall    int64
	census  *Census
	next    *State
	out     *Decision

	attack  Attack
	sources []SourceState
	raised  int // sources raised after this step
	watched int // sources watched after this step
	full    int // sources that qualified for a limit but did not fit
	raises  []Event
	drops   []Event
}

// run carries the service from its old state to its part of the new state and decision.
func (st *serviceStep) run(old ServiceState) {
	st.attack = old.Attack
	scope := fmt.Sprint(st.service.Ports, st.service.Addresses)
	if st.attack.ID != 0 && old.Scope != scope {
		// What was counted elsewhere is no evidence here.
		st.report(Event{Kind: AttackEnded, Count: 1, Why: "the service changed its ports or addresses"})
		old, st.attack = ServiceState{}, Attack{}
	}
	held, counted := st.merge(old.Sources)
	st.settle(held, counted, old.Full)
	if st.attack.ID == 0 {
		return
	}
	st.next.Services = append(st.next.Services,
		ServiceState{Service: st.service.Name, Scope: scope, Attack: st.attack, Full: st.full > 0, Sources: st.sources})
	st.out.Attacks = append(st.out.Attacks, st.attack)
	for i := range st.sources {
		st.decide(&st.sources[i])
	}
}

// merge walks the remembered and the counted sources together, both sorted, and keeps those that
// still matter. It returns what the service holds in all, if this observation knows.
func (st *serviceStep) merge(old []SourceState) (held int, counted bool) {
	var now []SourceCensus
	whole := false // a source that is absent holds nothing
	if st.census.Taken {
		for i := range st.census.Services {
			if c := &st.census.Services[i]; c.Service == st.service.Name {
				now, held, counted = c.Sources, c.Held, true
				whole = st.census.Complete && c.Rest.Sources == 0
			}
		}
	}
	for len(old) > 0 || len(now) > 0 {
		c := 0
		switch {
		case len(old) == 0:
			c = 1
		case len(now) == 0:
			c = -1
		default:
			c = ComparePrefix(old[0].Source, now[0].Source)
		}
		var src SourceState
		known, n := whole, 0
		if c <= 0 {
			src, old = old[0], old[1:]
		} else {
			src.Source = now[0].Source
		}
		if c >= 0 {
			known, n, now = true, now[0].Held, now[1:]
		}
		st.source(src, n, known, c <= 0)
	}
	return held, counted
}

// source judges one source and keeps it if it matters: while it is limited, while it holds half
// of its limit or more, and once it did so for as long as it holds anything. Forgetting it sooner
// would leave connections in the kernel's count whose end the kernel no longer sees.
func (st *serviceStep) source(src SourceState, held int, known, remembered bool) {
	was := src.Raised
	spared := st.spared(src.Source)
	if spared == "" && was && src.Peak < st.service.Connections.PerSource {
		spared = "the policy allows more now than it ever held"
	}
	why := spared
	if spared == "" && known {
		why = src.count(st.service, st.census.From, held)
	}
	if was && why != "" {
		st.drops = append(st.drops, Event{Kind: LimitDropped, Source: src.Source, Count: 1, Why: why})
		src = SourceState{Source: src.Source, Held: src.Held, SeenAt: src.SeenAt}
	}
	near := src.Held*2 >= st.service.Connections.PerSource || remembered
	switch {
	case spared != "":
	case src.Raised && st.raised >= st.policy.Observe.MaxSources:
		st.full++
	case src.Raised:
		st.raised++
		if !was {
			st.raises = append(st.raises, Event{Kind: LimitRaised, Source: src.Source, Count: 1, Reason: src.reason(st.service)})
		}
		st.sources = append(st.sources, src)
	case near && src.Held > 0 && st.watched < st.policy.Observe.MaxSources:
		st.watched++
		st.sources = append(st.sources, src)
	}
}

// spared says why a source cannot be limited at all, or nothing.
func (st *serviceStep) spared(src netip.Prefix) string {
	switch {
	case st.service.Connections.PerSource == 0:
		return "the policy sets no limit any more"
	case Covers(st.policy.Exempt.Prefixes, src):
		return "exempt"
	case src.Addr().Is6() && src.Bits() != st.policy.Observe.IPv6Source:
		return "the policy groups IPv6 sources differently"
	}
	return ""
}

// settle opens or ends the attack and reports what changed.
func (st *serviceStep) settle(held int, counted, wasFull bool) {
	began := st.attack.ID == 0 && st.raised > 0
	if began {
		st.next.Attacks++
		st.attack = Attack{ID: st.next.Attacks, Service: st.service.Name, Kind: ConnectionFlood,
			Began: st.at, BeganWall: st.wall, Evidence: st.heaviest()}
		st.report(Event{Kind: AttackBegan, Reason: st.attack.Evidence, Count: st.raised})
	}
	if counted {
		st.attack.PeakHeld = max(st.attack.PeakHeld, held)
	}
	st.attack.PeakSources = max(st.attack.PeakSources, st.raised)
	st.reportAll(st.raises)
	st.reportAll(st.drops)
	if st.full > 0 && !wasFull {
		st.report(Event{Kind: LimitsFull, Count: st.full, Why: fmt.Sprintf(
			"observe.max_sources is %d", st.policy.Observe.MaxSources)})
	}
	if st.attack.ID != 0 && st.raised == 0 {
		st.report(Event{Kind: AttackEnded, Count: 1, Why: "every source stayed quiet"})
	}
	if st.raised == 0 {
		st.attack = Attack{}
	}
}

// heaviest is the evidence of the source that holds most.
func (st *serviceStep) heaviest() Reason {
	var best Reason
	for i := range st.sources {
		if r := st.sources[i].reason(st.service); st.sources[i].Raised && r.Measured > best.Measured {
			best = r
		}
	}
	return best
}

// decide adds what should hold for one source. A lease that ran out without fresh evidence is
// left out: the kernel has dropped it too.
func (st *serviceStep) decide(src *SourceState) {
	svc := st.service
	until := src.SeenAt.Add(svc.Response.Lease)
	if until <= st.at {
		return
	}
	if !src.Raised {
		st.out.Watched = append(st.out.Watched, Watched{Service: svc.Name, Source: src.Source, Mode: svc.Mode, Until: until})
		return
	}
	limit := svc.Connections.PerSource
	st.out.Limits = append(st.out.Limits, Limit{
		Service: svc.Name, Source: src.Source, Mode: svc.Mode,
		Refuse: src.Held >= limit,
		Close:  src.Held > limit && svc.Connections.CloseExcess && svc.Traffic.Locally(),
		Held:   src.Held, Counted: src.SeenAt, Max: limit,
		Since: src.Since, Until: until, Reason: src.reason(svc),
	})
}

// reportAll reports transitions of limits, the first few one by one.
func (st *serviceStep) reportAll(events []Event) {
	if len(events) > eventsPerService {
		rest := events[eventsPerService-1]
		rest.Source, rest.Count = netip.Prefix{}, len(events)-(eventsPerService-1)
		events = append(events[:eventsPerService-1:eventsPerService-1], rest)
	}
	for _, e := range events {
		st.report(e)
	}
}

func (st *serviceStep) report(e Event) {
	e.At, e.Service, e.Attack, e.Mode = st.at, st.service.Name, st.attack.ID, st.service.Mode
	st.out.Events = append(st.out.Events, e)
}
