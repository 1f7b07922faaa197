package policy

import (
	"net/netip"
	"slices"
)

// standingWalk goes through all that is known of the sources of one service, in their order.
type standingWalk struct {
	policy  *Policy
	census  ServiceCensus
	endings ServiceEndings

	whole     bool    // a source that the census does not list holds nothing
	wholeRate bool    // one that is not among the endings opens nothing
	span      float64 // of the endings, in seconds; 0: there are none

	counted beside[SourceCensus]
	ended   beside[SourceEndings]
	syns    beside[SYNSource]
	limits  beside[Limit]
	blocks  beside[Block]
	watched beside[Watched]
	drops   beside[SYNDrop]
	strikes beside[BlockState]
	exempt  nest
	alone   nest // addresses within these count alone
	allowed allowances
}

func newStandingWalk(p *Policy, s *State, d *Decision, seen *Sight, svc *Service) *standingWalk {
	w := &standingWalk{policy: p, exempt: newNest(ExemptOf(p, svc, d)), alone: newNest(aloneAt(p, svc, d)), allowed: newAllowances(svc)}
	if i := slices.IndexFunc(seen.Census.Services, func(c ServiceCensus) bool { return c.Service == svc.Name }); i >= 0 && seen.Census.Taken {
		w.census = seen.Census.Services[i]
		w.whole = seen.Census.Complete && w.census.Rest.Sources == 0
	}
	n := &seen.Endings
	if i := slices.IndexFunc(n.Services, func(e ServiceEndings) bool { return e.Service == svc.Name }); i >= 0 && n.Taken && n.Span > 0 {
		w.endings, w.span = n.Services[i], n.Span.Seconds()
		w.wholeRate = n.Lost == 0 && n.Paused == 0 && w.endings.Rest.Sources == 0
	}
	w.counted, w.ended = besideOf(w.census.Sources, ofCensus), besideOf(w.endings.Sources, ofEnding)
	if i := slices.IndexFunc(seen.SYNs, func(m SYNMeter) bool { return m.Service == svc.Name }); i >= 0 {
		w.syns = besideOf(seen.SYNs[i].Sources, func(s *SYNSource) netip.Prefix { return s.Source })
	}
	w.limits = besideOf(PartOf(d.Limits, svc.Name, func(l *Limit) string { return l.Service }), func(l *Limit) netip.Prefix { return l.Source })
	w.blocks = besideOf(PartOf(d.Blocks, svc.Name, func(b *Block) string { return b.Service }), func(b *Block) netip.Prefix { return b.Source })
	w.watched = besideOf(PartOf(d.Watched, svc.Name, func(w *Watched) string { return w.Service }), func(w *Watched) netip.Prefix { return w.Source })
	w.drops = besideOf(PartOf(d.Drops, svc.Name, func(s *SYNDrop) string { return s.Service }), func(s *SYNDrop) netip.Prefix { return s.Source })
	w.strikes = besideOf(PartOf(s.Blocks, svc.Name, func(b *BlockState) string { return b.Service }), func(b *BlockState) netip.Prefix { return b.Source })
	return w
}

// walk returns the standing of every source, by source.
func (w *standingWalk) walk() []Standing {
	n := 0
	merge(w.ahead(), func(netip.Prefix) { n++ })
	list := make([]Standing, 0, n)
	merge(w.ahead(), func(source netip.Prefix) {
		list = append(list, Standing{Source: source})
		w.stand(&list[len(list)-1])
	})
	return list
}

// ahead returns the lists whose sources are told of, from their beginning.
func (w *standingWalk) ahead() []ahead {
	counted, ended, syns, limits, blocks, watched := w.counted, w.ended, w.syns, w.limits, w.blocks, w.watched
	return []ahead{&counted, &ended, &syns, &limits, &blocks, &watched}
}

// stand fills in what holds for the source of a standing.
func (w *standingWalk) stand(s *Standing) {
	s.Part = !w.isSource(s.Source)
	w.counts(s)
	s.Exempt = w.exempt.covers(s.Source)
	if a := w.allowed.peek(s.Source); a.held > 0 && s.Source.Bits() >= w.group(s.Source) {
		s.Max, s.Rule = a.held, a.rule
	}
	for _, i := range w.syns.around(s.Source) {
		s.SYNsOver = w.syns.list[i].Over
	}
	s.Watched, s.Dropped = len(w.watched.around(s.Source)) > 0, len(w.drops.around(s.Source)) > 0
	for _, i := range w.strikes.around(s.Source) {
		s.Strikes = max(s.Strikes, w.strikes.list[i].Strikes)
	}
	for _, i := range w.limits.around(s.Source) {
		// The narrowest comes last.
		if l := &w.limits.list[i]; s.Limit == nil || l.Refuse || !s.Limit.Refuse {
			s.Limit = l
		}
	}
	for _, i := range w.blocks.around(s.Source) {
		if b := &w.blocks.list[i]; s.Block == nil || b.Until > s.Block.Until {
			s.Block = b
		}
	}
	w.ownLimit(s)
}

// isSource reports whether a prefix is what connections count for: a source by the policy's grouping, or an
// address within one that counts alone, because a census lists it so, or what exempts it or gives it limits
// of its own is longer than a source.
func (w *standingWalk) isSource(p netip.Prefix) bool {
	if p.Bits() == w.group(p) || w.counted.at(p) != nil {
		return true
	}
	return p.IsSingleIP() && w.alone.covers(p)
}

// aloneAt returns what is longer than an IPv6 source and exempts addresses, of whatever service, or gives
// them limits of their own at this one.
func aloneAt(p *Policy, svc *Service, d *Decision) []netip.Prefix {
	var list []netip.Prefix
	add := func(prefix netip.Prefix) {
		if prefix.Addr().Is6() && prefix.Bits() > p.Observe.IPv6Source {
			list = append(list, prefix)
		}
	}
	for _, prefix := range p.Exempt.Prefixes {
		add(prefix)
	}
	for _, e := range d.Exempt {
		add(e.Prefix)
	}
	for _, o := range svc.Overrides {
		add(o.Prefix)
	}
	return list
}

// group is the length of a source of the same family.
func (w *standingWalk) group(p netip.Prefix) int {
	if p.Addr().Is6() {
		return w.policy.Observe.IPv6Source
	}
	return 32
}

// counts fills in what was counted of the source.
func (w *standingWalk) counts(s *Standing) {
	s.Known, s.RateKnown = w.whole && !s.Part, w.wholeRate && !s.Part
	if c := w.counted.at(s.Source); c != nil {
		s.Known, s.Held, s.HalfOpen = true, c.Held, c.HalfOpen
	}
	if e := w.ended.at(s.Source); e != nil {
		s.RateKnown, s.Rate = true, float64(e.Ended)/w.span
	}
}

// ownLimit takes what the source may hold, and where no census counts it what it holds, from a limit in
// force for it alone.
func (w *standingWalk) ownLimit(s *Standing) {
	l := w.limits.at(s.Source)
	if l == nil {
		return
	}
	if l.Max > 0 {
		s.Max, s.Rule = l.Max, l.Reason.Rule
	}
	if s.Part {
		s.Known, s.Held = true, l.Held
	}
}
