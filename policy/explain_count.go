package policy

import "net/netip"

// limits finds what the source may do, and which keys say so.
func (x *explainer) limits(svc *Service, e *ServiceExplanation) {
	e.Max, e.Rule, e.MaxRate, e.RateRule = svc.Allowed(x.source)
	if e.Max == 0 {
		e.Rule = ""
	}
	if e.MaxRate == 0 {
		e.RateRule = ""
	}
}

// held finds what the source holds. That it is absent tells something only in a complete census
// which kept every source.
func (x *explainer) held(e *ServiceExplanation) {
	census := &x.seen.Census
	c := x.counted(e.Service)
	if c == nil {
		return
	}
	e.Known = census.Complete && c.Rest.Sources == 0
	for i := range c.Sources {
		if c.Sources[i].Source == x.source {
			e.Known, e.Held = true, c.Sources[i].Held
		}
	}
	if e.Known {
		e.Counted = census.From
	}
}

// counted returns what the census says of a service, or nil.
func (x *explainer) counted(service string) *ServiceCensus {
	if !x.seen.Census.Taken {
		return nil
	}
	for i := range x.seen.Census.Services {
		if c := &x.seen.Census.Services[i]; c.Service == service {
			return c
		}
	}
	return nil
}

// rate finds how fast the source opens connections, from those that ended: a lower bound where some
// of these were missed.
func (x *explainer) rate(e *ServiceExplanation) {
	n := &x.seen.Endings
	if !n.Taken || n.Span <= 0 {
		return
	}
	for i := range n.Services {
		sv := &n.Services[i]
		if sv.Service != e.Service {
			continue
		}
		e.RateKnown = n.Lost == 0 && n.Paused == 0 && sv.Rest.Sources == 0
		for _, src := range sv.Sources {
			if src.Source == x.source {
				e.RateKnown, e.Rate = true, float64(src.Ended)/n.Span.Seconds()
			}
		}
	}
}

// syns finds whether the SYN meter lists the source.
func (x *explainer) syns(e *ServiceExplanation) {
	for i := range x.seen.SYNs {
		m := &x.seen.SYNs[i]
		if m.Service != e.Service {
			continue
		}
		for _, src := range m.Sources {
			if src.Source.Contains(x.addr) {
				e.SYNsOver, e.Proven = src.Over, src.Proven
			}
		}
	}
}

// prefixes sums up what the prefixes around the address hold that have a limit of their own. A source
// with an override counts in none, and has none.
func (x *explainer) prefixes(svc *Service, e *ServiceExplanation) {
	own := newAllowances(svc)
	if own.of(x.source).override {
		return
	}
	level, before := x.leaves(svc), 0
	for _, limit := range svc.Connections.PerPrefix {
		if limit.IPv6 != x.addr.Is6() {
			continue
		}
		for i := range level {
			if before > 0 {
				// What a longer prefix holds beyond its limit is answered there.
				level[i].held = min(level[i].held, before)
			}
		}
		level, before = foldInto(level, limit.Bits), limit.Max
		g := PrefixExplanation{Prefix: netip.PrefixFrom(x.addr, limit.Bits).Masked(), Max: limit.Max}
		for _, c := range level {
			if c.prefix == g.Prefix {
				g.Held, g.Sources = c.held, c.sources
			}
		}
		e.Prefixes = append(e.Prefixes, g)
	}
}

// leaves returns what the sources of the address's family hold that count in the prefixes around them:
// those that are neither exempt nor blocked, each up to its own limit, since what is beyond that is
// answered there.
func (x *explainer) leaves(svc *Service) []prefixCount {
	c := x.counted(svc.Name)
	if c == nil || len(svc.Connections.PerPrefix) == 0 {
		return nil
	}
	var barred []netip.Prefix
	single := map[netip.Prefix]bool{}
	for i := range x.decision.Blocks {
		if b := &x.decision.Blocks[i]; b.Service == svc.Name {
			barred, single[b.Source] = append(barred, b.Source), b.Source.IsSingleIP()
		}
	}
	own, exempt, blocked := newAllowances(svc), newNest(ExemptOf(x.policy, svc, x.decision)), newNest(barred)
	var list []prefixCount
	for _, src := range inOrder(c.Sources, ofCensus) {
		may, held := own.of(src.Source), src.Held
		if exempt.covers(src.Source) || blocked.covers(src.Source) || may.override || src.Source.Addr().Is6() != x.addr.Is6() {
			continue
		}
		if src.Single.IsValid() && single[netip.PrefixFrom(src.Single, 128)] {
			held -= src.SingleHeld
		}
		if may.held > 0 {
			held = min(held, may.held)
		}
		if held > 0 {
			list = append(list, prefixCount{src.Source, held, 1})
		}
	}
	return list
}
