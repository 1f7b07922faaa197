package policy

import (
	"net/netip"
	"slices"
)

// block turns offences that persist into blocks. Only evidence raises or renews one: what an address
// merely sends while it is blocked changes nothing (P5).
func (st *serviceStep) block() {
	if st.whole && st.service.Traffic.Onward() {
		st.left()
	}
	for i := range st.state.Sources {
		src := &st.state.Sources[i]
		after := st.service.Response.BlockAfter
		switch {
		case src.Hold.persists(after) && src.Hold.OverAt == st.o.Census.From && st.census != nil:
			if st.strike(src.target(), ConnectionFlood, &src.Hold, st.holdReason(src)) {
				st.struck(src)
			}
		// A source that is refused opens nothing: what counts is that it begins anew when it may.
		case src.Churn.recurs(after) && src.Fast >= fastCounts && src.Churn.OverAt == st.next.Endings && st.o.Endings.Taken:
			if st.strike(src.Source, Churn, &src.Churn, st.churnReason(src)) {
				st.struck(src)
			}
		}
	}
	for i := range st.state.Prefixes {
		p := &st.state.Prefixes[i]
		st.relieve(p)
		limit, _ := st.service.prefixLimit(p.Prefix)
		if p.Hold.persists(st.service.Response.BlockAfter) && st.census != nil && p.Hold.OverAt == st.o.Census.From && p.Held >= limit {
			if st.strike(p.Prefix, ConnectionFlood, &p.Hold, st.prefixReason(p)) {
				st.calmPrefix(p, "blocked")
			}
		}
	}
	if len(st.added) > 0 {
		st.blocks.list = append(slices.Clip(st.blocks.list), st.added...)
		slices.SortFunc(st.blocks.list, func(a, b BlockState) int { return ComparePrefix(a.Source, b.Source) })
	}
	st.makeRoom()
}

// struck frees a source that is blocked now, and notes what its prefixes have to do without.
func (st *serviceStep) struck(src *SourceState) {
	held := src.Held
	if limit := st.allowed(src.Source).held; limit > 0 {
		held = min(held, limit)
	}
	st.gone = append(st.gone, prefixCount{src.Source, held, 1})
	st.free(src, "blocked")
	src.Held = 0
}

// relieve takes from a prefix what its sources held that are blocked in this step: it is answered only
// for what that leaves.
func (st *serviceStep) relieve(p *PrefixState) {
	i, _ := slices.BinarySearchFunc(st.gone, p.Prefix, func(c prefixCount, p netip.Prefix) int { return ComparePrefix(c.prefix, p) })
	for ; i < len(st.gone) && p.Prefix.Contains(st.gone[i].prefix.Addr()); i++ {
		p.Held, p.Sources = max(0, p.Held-st.gone[i].held), max(0, p.Sources-1)
	}
}

// strike blocks a source, one step longer than the last time. It reports whether it did.
func (st *serviceStep) strike(source netip.Prefix, kind Kind, f *Offence, why Reason) bool {
	evidence, peak := f.OverAt, f.Peak
	i, known := st.blocks.find(source)
	switch {
	case !known && *st.room <= 0:
		st.noRoom++
		return false
	case known && st.blocks.list[i].byHand() && st.blocks.list[i].Until > st.o.At:
		return false // it holds for exactly its time
	case known && st.service.Traffic.Onward() && !st.blocks.list[i].Left:
		// The kernel keeps entries of forwarded connections whose end the block itself kept it from
		// seeing. They are no new offence.
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
	b.Left, b.Back = false, false
	b.Cause, b.Mode, b.Peak = kind, st.service.Mode, peak
	r := &st.service.Response
	b.Since = st.o.At
	long := r.blockStep(b.Strikes)
	b.Until = together(b.Since.Add(jitter(long, st.next.Seed, b.Service, source, b.Strikes)), long)
	b.Decay = b.Until.Add(r.BlockFor[len(r.BlockFor)-1])
	why.Measured = peak
	b.Close, b.Counted, b.Reason, b.Note = true, evidence, why, ""
	a := st.answer(kind)
	a.blocked++
	a.blocks = append(a.blocks, Event{Kind: SourceBlocked, Source: source, Count: 1, Reason: why,
		Why: "for " + Brief(b.Until.Sub(b.Since).Round(r.BlockFor[0]/100))})
	return true
}

// release ends blocks and forgives strikes.
func (st *serviceStep) release() {
	if len(st.blocks.list) == 0 || st.memo() != nil {
		return
	}
	told := max(st.prev.At, st.prev.Told)
	ending := func(b *BlockState) bool { return b.Until > told && b.Until <= st.o.At }
	exempt := sortedNest(st.exempt)
	lengths, allow := st.service.blockable(st.policy), newAllowances(st.service)
	var gone []int
	for i := range st.blocks.list {
		b := &st.blocks.list[i]
		why := ""
		switch {
		case exempt.covers(b.Source):
			why = "exempt"
		case b.byHand() && !ending(b):
			// The operator's word does not depend on what the policy says.
		case b.byHand():
			why = "its time is over"
		case !slices.Contains(lengths[family(b.Source.Addr().Is6())], b.Source.Bits()):
			why = "the policy does not block such a source any more"
		case b.Mode == Shadow && st.service.Mode == Enforce:
			why = "it was decided in shadow mode"
		case st.tolerated(b, allow.of(b.Source)):
			why = "the policy allows more now"
		case ending(b):
			why = "its time is over"
		}
		if why != "" && (b.Until > st.o.At || ending(b)) {
			st.freed = append(st.freed, Event{Kind: SourceFreed, Source: b.Source, Count: 1, Why: why})
		}
		st.again = st.again || why != "" && ending(b)
		switch {
		case why != "" && !ending(b):
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

// left notes which sources of former blocks hold less than their limit by now.
func (st *serviceStep) left() {
	allow := newAllowances(st.service)
	for i := range st.blocks.list {
		b := &st.blocks.list[i]
		if b.Left || b.Until > st.o.At {
			continue
		}
		at, found := slices.BinarySearchFunc(st.counts, b.Source, func(c counted, p netip.Prefix) int { return ComparePrefix(c.source, p) })
		if !found || st.counts[at].held < allow.of(b.Source).held {
			st.blocks.change(i).Left = true
		}
	}
}

// tolerated reports whether the policy allows by now what a block was for.
func (st *serviceStep) tolerated(b *BlockState, now allowance) bool {
	if b.Reason.Rule == RuleInherited || b.Reason.Rule == RuleMerged {
		return false
	}
	if limit, ok := st.service.prefixLimit(b.Source); ok && b.Reason.Rule == rulePerPrefix {
		return b.Peak < limit
	}
	if b.Cause == Churn {
		return now.fresh == 0 || b.Peak < now.fresh
	}
	return now.held == 0 || b.Peak < now.held
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
