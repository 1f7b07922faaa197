package policy

import (
	"net/netip"
	"slices"
)

// block ends blocks whose time is over or whose cause is gone, forgives strikes, and turns offences
// that persist into blocks. Only evidence raises or renews one: what an address merely sends while it
// is blocked changes nothing (P5).
func (st *serviceStep) block() {
	st.release()
	for i := range st.state.Sources {
		src := &st.state.Sources[i]
		after := st.service.Response.BlockAfter
		switch {
		case src.Hold.persists(after) && src.Hold.OverAt == st.o.Census.From && st.census != nil:
			if st.strike(src.target(), ConnectionFlood, src.Hold.OverAt, st.holdReason(src)) {
				st.free(src, "blocked")
				src.Held = 0
			}
		// A source that is refused opens nothing: what counts is that it begins anew when it may.
		case src.Churn.recurs(after) && src.Churn.OverAt == st.next.Endings && st.o.Endings.Taken:
			if st.strike(src.Source, Churn, src.Churn.OverAt, st.churnReason(src)) {
				st.free(src, "blocked")
				src.Held = 0
			}
		}
	}
	for i := range st.state.Prefixes {
		p := &st.state.Prefixes[i]
		if p.Hold.persists(st.service.Response.BlockAfter) && st.census != nil && p.Hold.OverAt == st.o.Census.From {
			if st.strike(p.Prefix, ConnectionFlood, p.Hold.OverAt, st.prefixReason(p)) {
				st.calmPrefix(p, "blocked")
			}
		}
	}
	if len(st.added) > 0 {
		st.blocks.list = append(slices.Clip(st.blocks.list), st.added...)
		slices.SortFunc(st.blocks.list, func(a, b BlockState) int { return ComparePrefix(a.Source, b.Source) })
	}
}

// strike blocks a source, one step longer than the last time. It reports whether it did.
func (st *serviceStep) strike(source netip.Prefix, kind Kind, evidence Instant, why Reason) bool {
	i, known := st.blocks.find(source)
	if !known && *st.room <= 0 {
		st.noRoom++
		return false
	}
	var b *BlockState
	if known {
		b = st.blocks.change(i)
	} else {
		*st.room--
		st.added = append(st.added, BlockState{Service: st.service.Name, Source: source})
		b = &st.added[len(st.added)-1]
	}
	b.Strikes++
	b.Cause = kind
	r := &st.service.Response
	b.Since = st.o.At
	b.Until = b.Since.Add(jitter(r.blockStep(b.Strikes), st.next.Seed, b.Service, source, b.Strikes))
	b.Decay = b.Until.Add(r.BlockFor[len(r.BlockFor)-1])
	b.Close, b.Counted, b.Reason = true, evidence, why
	a := st.answer(kind)
	a.blocked++
	a.blocks = append(a.blocks, Event{Kind: SourceBlocked, Source: source, Count: 1, Reason: why,
		Why: "for " + b.Until.Sub(b.Since).Round(r.BlockFor[0]/100).String()})
	return true
}

// release ends blocks and forgives strikes.
func (st *serviceStep) release() {
	ending := func(b *BlockState) bool { return b.Until > st.prev.At && b.Until <= st.o.At }
	exempt := newNest(st.exempt)
	lengths := st.service.blockable(st.policy)
	var gone []int
	for i := range st.blocks.list {
		b := &st.blocks.list[i]
		why := ""
		switch {
		case exempt.covers(b.Source):
			why = "exempt"
		case !slices.Contains(lengths[family(b.Source.Addr().Is6())], b.Source.Bits()):
			why = "the policy does not block such a source any more"
		case ending(b):
			why = "its time is over"
		}
		if why != "" && (b.Until > st.o.At || ending(b)) {
			st.freed = append(st.freed, Event{Kind: SourceFreed, Source: b.Source, Count: 1, Why: why})
		}
		switch {
		case why != "" && b.Until > st.o.At:
			gone = append(gone, i)
		case b.Decay <= st.o.At:
			if b.Strikes <= 1 {
				gone = append(gone, i)
				continue
			}
			b = st.blocks.change(i)
			b.Strikes--
			b.Decay = b.Decay.Add(st.service.Response.BlockFor[len(st.service.Response.BlockFor)-1])
		}
	}
	st.forget(gone)
}

// forget removes blocks by their indexes, in order.
func (st *serviceStep) forget(gone []int) {
	if len(gone) == 0 {
		return
	}
	*st.room += len(gone)
	left := make([]BlockState, 0, len(st.blocks.list)-len(gone))
	for i := range st.blocks.list {
		if len(gone) > 0 && gone[0] == i {
			gone = gone[1:]
			continue
		}
		left = append(left, st.blocks.list[i])
	}
	st.blocks.list, st.blocks.ours = left, true
}

// blockable returns the lengths by which the service can have blocked IPv4 and IPv6 sources.
func (s *Service) blockable(p *Policy) (lengths [2][]int) {
	if s.Response.BlockAfter == 0 || s.Connections.PerSource == 0 && s.Rate.NewPerSource == 0 && len(s.Overrides) == 0 && len(s.Connections.PerPrefix) == 0 {
		return lengths
	}
	return [2][]int{s.Lengths(p, false), s.Lengths(p, true)}
}

// Lengths returns the prefix lengths by which sources of a family can be answered at the service: that
// of a source, that of a single IPv6 address, those of connections.per_prefix, and that of the fair
// share, the longest first.
func (s *Service) Lengths(p *Policy, ipv6 bool) []int {
	lengths := []int{32}
	if ipv6 {
		lengths = []int{128, p.Observe.IPv6Source}
	}
	for _, l := range s.Connections.PerPrefix {
		if l.IPv6 == ipv6 {
			lengths = append(lengths, l.Bits)
		}
	}
	if s.Capacity > 0 {
		lengths = append(lengths, shareBits(p, ipv6))
	}
	slices.SortFunc(lengths, func(a, b int) int { return b - a })
	return slices.Compact(lengths)
}

// shareBits is the length of the prefixes that share a service's capacity.
func shareBits(p *Policy, ipv6 bool) int {
	if ipv6 {
		return min(48, p.Observe.IPv6Source)
	}
	return 24
}
