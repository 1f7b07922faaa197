package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// answered collects what one step did against one kind of attack.
type answered struct {
	raises []Event
	drops  []Event
	blocks []Event
	moved  string // how the fair share changed
	ended  string // why it is over, where its sources do not say so

	turned  []Event  // what else was switched, of the whole service
	changes []Change // the same, of the attack's record

	present  bool   // there is evidence for it, or it has not been quiet for long enough
	sources  int    // answered after this step
	measure  int    // what they hold, or of churn open a second
	rate     int    // a second, of the kinds measured in that
	evidence Reason // of the heaviest source, the listener or the rate
	why      string // where numbers are not enough
	excess   int
	blocked  int
}

// answer returns what this step does against a kind of attack.
func (st *serviceStep) answer(kind Kind) *answered {
	a := st.kinds[kind]
	if a == nil {
		a = &answered{}
		st.kinds[kind] = a
	}
	return a
}

// open returns the open attack of a kind, or nil.
func (st *serviceStep) open(kind Kind) *Attack {
	for i := range st.state.Attacks {
		if st.state.Attacks[i].Kind == kind {
			return &st.state.Attacks[i]
		}
	}
	return nil
}

// settle opens and ends attacks by what their sources do after this step, and reports what changed.
func (st *serviceStep) settle() {
	st.sumUp()
	attacks := make([]Attack, 0, len(st.state.Attacks))
	for _, kind := range Kinds() {
		a, old := st.answer(kind), st.open(kind)
		var now Attack
		switch {
		case old != nil:
			now = *old
			now.Changes = slices.Clone(old.Changes)
		case a.present:
			now = st.begin(kind, a)
		}
		st.lose(&now)
		st.update(&now, a)
		st.tell(&now, kind, a)
		switch {
		case now.ID == 0:
		case a.present:
			attacks = append(attacks, now)
		default:
			st.end(now, a.ended)
		}
	}
	st.state.Attacks = attacks
	st.tellFull()
}

// begin opens an attack.
func (st *serviceStep) begin(kind Kind, a *answered) Attack {
	st.next.Attacks++
	st.report(Event{Kind: AttackBegan, Attack: st.next.Attacks, Cause: kind, Count: max(1, a.sources), Reason: a.evidence, Why: a.why})
	return Attack{ID: st.next.Attacks, Service: st.service.Name, Kind: kind, Mode: st.service.Mode, Began: st.o.At, BeganWall: st.o.Wall,
		Evidence: a.evidence, Why: a.why}
}

// update brings an attack's figures up to date.
func (st *serviceStep) update(now *Attack, a *answered) {
	if now.ID == 0 {
		return
	}
	if now.Kind.bySources() && a.sources > 0 && (a.measure > now.TopSum || now.Top == nil) {
		now.Top, now.TopSum = st.top(now.Kind), a.measure
	}
	if st.census != nil {
		now.PeakHeld = max(now.PeakHeld, st.census.Held)
	}
	now.PeakSources = max(now.PeakSources, a.sources)
	now.PeakRate = max(now.PeakRate, a.rate)
	now.Excess += a.excess
	now.Blocked += a.blocked
	st.changes(now, a)
}

// tell reports what changed, the first few limits one by one.
func (st *serviceStep) tell(now *Attack, kind Kind, a *answered) {
	list := func(events []Event) {
		for _, e := range summed(events) {
			e.Attack, e.Cause = now.ID, kind
			st.report(e)
		}
	}
	list(a.turned)
	list(a.raises)
	if a.moved != "" {
		list([]Event{{Kind: ShareChanged, Count: max(1, a.sources), Why: a.moved,
			Reason: st.shareReason()}})
	}
	list(a.blocks)
	list(a.drops)
}

// end closes an attack.
func (st *serviceStep) end(now Attack, why string) {
	if why == "" {
		why = now.calm()
	}
	now.Ended, now.EndedWall, now.EndedWhy = st.o.At, st.o.Wall, why
	st.report(Event{Kind: AttackEnded, Attack: now.ID, Cause: now.Kind, Count: 1, Why: why})
	st.out.Ended = append(st.out.Ended, now)
}

// calm is why an attack is over for which there is no more evidence.
func (a *Attack) calm() string {
	switch {
	case a.Kind == SlowApplication:
		return "the application takes and closes its connections again"
	case a.Kind == SYNFlood, a.Kind == SpoofedSYNFlood:
		return "such SYNs have ceased"
	case a.Blocked > 0:
		return "every source stayed quiet or is blocked"
	}
	return "every source stayed quiet"
}

// endAll closes every attack.
func (st *serviceStep) endAll(why string) {
	for _, a := range st.state.Attacks {
		st.end(a, why)
	}
	st.state.Attacks = nil
}

// tellFull reports that something did not fit, once for as long as it does not.
func (st *serviceStep) tellFull() {
	st.settleReturned()
	for _, list := range [][]Event{st.freed, st.returned} {
		for _, e := range summed(list) {
			st.report(e)
		}
	}
	if st.full > 0 && !st.state.Full {
		st.report(Event{Kind: LimitsFull, Count: st.full, Why: fmt.Sprintf("observe.max_sources is %d", st.policy.Observe.MaxSources)})
	}
	if st.noRoom+st.unplaced > 0 && !st.state.NoRoom {
		st.report(Event{Kind: BlocksFull, Count: st.noRoom + st.unplaced, Why: fmt.Sprintf("limits.max_blocks is %d", st.policy.Limits.MaxBlocks)})
	}
	if st.census != nil {
		st.state.Full, st.state.NoRoom = st.full > 0, st.noRoom > 0
	}
}

// summed shortens a list of events of one kind: the first few one by one, the rest as one.
func summed(events []Event) []Event {
	if len(events) <= eventsPerService {
		return events
	}
	rest := events[eventsPerService-1]
	rest.Source, rest.Count = netip.Prefix{}, len(events)-(eventsPerService-1)
	return append(events[:eventsPerService-1:eventsPerService-1], rest)
}

// eventsPerService bounds the limits reported one by one for a service in one step; the rest is
// summed up.
const eventsPerService = 20

func (st *serviceStep) report(e Event) {
	e.At, e.Service, e.Mode = st.o.At, st.service.Name, st.service.Mode
	st.out.Events = append(st.out.Events, e)
}

// top returns the prefixes of the sources that are answered for a kind of attack, those first whose
// sources hold most, or are most; of churn, whose sources open most.
func (st *serviceStep) top(kind Kind) []PrefixCount {
	var all []PrefixCount
	for i := range st.state.Sources {
		src := &st.state.Sources[i]
		rate := 0
		if kind == Churn {
			rate = src.Rate
		}
		if kind == ConnectionFlood && !src.Hold.raised() || kind == Churn && !src.Churn.raised() || kind == DistributedFlood && src.Share == 0 {
			continue
		}
		p := netip.PrefixFrom(src.Source.Addr(), min(shareBits(st.policy, src.Source.Addr().Is6()), src.Source.Bits())).Masked()
		if n := len(all); n > 0 && all[n-1].Prefix == p {
			all[n-1].Sources++
			all[n-1].Held += src.Held
			all[n-1].Rate += rate
			continue
		}
		all = append(all, PrefixCount{Prefix: p, Sources: 1, Held: src.Held, Rate: rate})
	}
	for i := range st.state.Prefixes {
		if p := &st.state.Prefixes[i]; kind == ConnectionFlood && p.Hold.raised() {
			all = append(all, PrefixCount{Prefix: p.Prefix, Sources: p.Sources, Held: p.Held})
		}
	}
	slices.SortStableFunc(all, func(a, b PrefixCount) int { return cmp.Or(b.Rate-a.Rate, b.Held-a.Held, b.Sources-a.Sources) })
	return slices.Clone(all[:min(len(all), maxTop)])
}
