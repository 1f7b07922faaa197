package policy

import (
	"net/netip"
	"slices"
)

// prefixes judges what the sources of each prefix with a limit of its own hold together. Each counts up
// to its own limit, and each longer prefix up to its, so that a prefix is answered only for what the
// answers within it do not explain.
func (st *serviceStep) prefixes(old []PrefixState) {
	known := make([]PrefixState, 0, len(old))
	exempt := sortedNest(st.exempt)
	for _, p := range old {
		limit, still := st.service.prefixLimit(p.Prefix)
		spared := exempt.covers(p.Prefix)
		if spared {
			p.Each, p.Share = 0, 0
		}
		switch {
		case !p.Hold.raised():
		case !still:
			st.calmPrefix(&p, "the policy sets no limit for such prefixes any more")
		case p.Hold.Peak < limit:
			st.calmPrefix(&p, "the policy allows more now than it ever held")
		case spared:
			st.calmPrefix(&p, "exempt")
		}
		if p.Hold.raised() || p.Each > 0 || p.Share > 0 {
			known = append(known, p)
		}
	}
	if st.census == nil {
		st.state.Prefixes = known
		return
	}
	exempt = sortedNest(st.exempt) // a second walk begins anew
	align(known, st.fold(), ofPrefix, func(c *prefixCount) netip.Prefix { return c.prefix }, func(old *PrefixState, now *prefixCount) {
		st.prefix(old, now, &exempt)
	})
}

// prefix judges one prefix.
func (st *serviceStep) prefix(old *PrefixState, now *prefixCount, exempt *nest) {
	var p PrefixState
	if old != nil {
		p = *old
	} else {
		p.Prefix = now.prefix
	}
	limit, _ := st.service.prefixLimit(p.Prefix)
	was := p.Hold
	switch {
	case now == nil && !st.whole, limit == 0:
	case now == nil:
		p.Held, p.Sources, p.SeenAt = 0, 0, st.o.Census.From
	default:
		p.Held, p.Sources, p.SeenAt = now.held, now.sources, st.o.Census.From
	}
	if limit > 0 && p.SeenAt == st.o.Census.From && !exempt.covers(p.Prefix) {
		ended := p.Hold.judge(p.SeenAt, p.Held, limit, st.service.Response.Quiet)
		switch {
		case ended != "":
			st.calmPrefix(&p, ended)
		case p.Hold.raised() && !was.raised() && len(st.state.Prefixes) >= st.policy.Observe.MaxSources:
			p.Hold = Offence{}
			st.full++
		case p.Hold.raised() && !was.raised():
			a := st.answer(ConnectionFlood)
			a.raises = append(a.raises, Event{Kind: LimitRaised, Source: p.Prefix, Count: 1, Reason: st.prefixReason(&p)})
		}
		if p.Hold.raised() {
			st.answer(ConnectionFlood).excess += p.Hold.excess(was, limit)
		}
	}
	if p.Hold.raised() || p.Each > 0 || p.Share > 0 {
		st.state.Prefixes = append(st.state.Prefixes, p)
	}
}

func (st *serviceStep) calmPrefix(p *PrefixState, why string) {
	p.Hold = Offence{}
	a := st.answer(ConnectionFlood)
	a.drops = append(a.drops, Event{Kind: LimitDropped, Source: p.Prefix, Count: 1, Why: why})
}

// prefixLimit returns what a prefix may hold, if the service limits prefixes of its length.
func (s *Service) prefixLimit(p netip.Prefix) (limit int, ok bool) {
	for _, l := range s.Connections.PerPrefix {
		if l.IPv6 == p.Addr().Is6() && l.Bits == p.Bits() {
			return l.Max, true
		}
	}
	return 0, false
}

// prefixCount is what the sources of a prefix hold together.
type prefixCount struct {
	prefix  netip.Prefix
	held    int
	sources int
}

// fold sums the census up by every prefix that has a limit. Only those that reach it, or were limited
// before, matter; all are returned, sorted.
func (st *serviceStep) fold() []prefixCount {
	var all []prefixCount
	var level []prefixCount
	for i, l := range st.service.Connections.PerPrefix {
		if i == 0 || st.service.Connections.PerPrefix[i-1].IPv6 != l.IPv6 {
			level = st.leaves(l.IPv6, func(c *counted) bool { return c.shared })
		} else {
			for j := range level {
				level[j].held = min(level[j].held, st.service.Connections.PerPrefix[i-1].Max)
			}
		}
		level = foldInto(level, l.Bits)
		all = append(all, level...)
	}
	slices.SortFunc(all, func(a, b prefixCount) int { return ComparePrefix(a.prefix, b.prefix) })
	return all
}

// leaves returns the sources of one family that count against shared limits.
func (st *serviceStep) leaves(ipv6 bool, such func(*counted) bool) []prefixCount {
	list := make([]prefixCount, 0, len(st.counts))
	for i := range st.counts {
		if c := &st.counts[i]; c.held > 0 && c.source.Addr().Is6() == ipv6 && such(c) {
			list = append(list, prefixCount{c.source, c.held, 1})
		}
	}
	return list
}

// foldInto sums sorted counts up by prefixes of a shorter length.
func foldInto(list []prefixCount, bits int) []prefixCount {
	var out []prefixCount
	for _, c := range list {
		n := len(out)
		if n > 0 && out[n-1].prefix.Contains(c.prefix.Addr()) {
			out[n-1].held += c.held
			out[n-1].sources += c.sources
			continue
		}
		out = append(out, prefixCount{netip.PrefixFrom(c.prefix.Addr(), bits).Masked(), c.held, c.sources})
	}
	return out
}
