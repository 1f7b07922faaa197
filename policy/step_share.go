package policy

import (
	"fmt"
	"net/netip"
	"slices"
)

// relaxAfter divides the quiet time: so long a share stays as it is before it is raised.
const relaxAfter = 6

// share lets the sources of a service near its capacity share it: by prefix first, so that one /48
// does not hold 65,536 shares, and by source within it. Without a capacity there is no fair share.
func (st *serviceStep) share(old ShareState) {
	st.state.Share = old
	sh := &st.state.Share
	capacity := st.service.Capacity
	if capacity == 0 {
		if sh.Press.raised() {
			st.unshare("the policy states no capacity any more")
		}
		*sh = ShareState{}
		return
	}
	if st.census == nil || !st.o.Census.Complete || old.At == st.o.Census.From {
		return
	}
	sh.Held, sh.Exempt, sh.At = st.census.Held-st.overLimits(), st.exemptHeld(), st.o.Census.From
	was := sh.Press.raised()
	ended := sh.Press.judge(sh.At, sh.Held, max(1, capacity*pressAt/100), st.service.Response.Quiet)
	if sh.Level != unlimited && !sh.Press.clear(sh.At, st.service.Response.Quiet) {
		// Below the pressure is where the share itself holds it.
		ended = ""
	}
	switch {
	case ended != "":
		st.unshare("the service has had room to spare: what it holds stayed " + ended)
		*sh = ShareState{}
		return
	case !sh.Press.raised():
		*sh = ShareState{}
		return
	case !was:
		sh.Level = unlimited
	}
	st.reshare()
}

// overLimits returns how many connections are beyond the limits of their sources, or of blocked ones,
// which answer for them: they are no pressure.
func (st *serviceStep) overLimits() int {
	over := 0
	for i := range st.counts {
		if c := &st.counts[i]; !c.exempt {
			over += max(0, st.census.Sources[i].Held-c.held)
		}
	}
	return over
}

// reshare brings the shares up to date. Cuts hold at once, raises wait, and are as large as will still
// be enough for all if everybody uses them, so that shares settle instead of swinging.
func (st *serviceStep) reshare() {
	sh := &st.state.Share
	sh.Target = max(1, st.service.Capacity*leastTo/100, st.service.Capacity*shareTo/100-sh.Exempt)
	groups := st.shareGroups()
	counts := st.demand(groups)
	target := max(1, sh.Target-st.census.Rest.Held)
	level := fairShare(counts, target, sh.Level, true)
	sh.RoomSince = since(sh.RoomSince, sh.At, level > sh.Level)
	relax := sh.RoomSince != 0 && sh.At.Sub(sh.RoomSince) >= st.service.Response.Quiet/relaxAfter
	if level > sh.Level && !relax {
		level = sh.Level
	}
	if level != sh.Level {
		sh.RoomSince = 0
		st.answer(DistributedFlood).move(sh.Level, level)
	}
	if level == unlimited && sh.Level != unlimited {
		// Only now it can be told whether the pressure is gone.
		sh.Press.UnderSince = sh.At
	}
	sh.Level = level
	sh.Relief = 0
	if sum := cappedSum(counts, level) + st.census.Rest.Held; sum > sh.Target && level == 1 {
		sh.Relief = sh.Target
	}
	st.divide(groups, relax)
}

// demand returns what each prefix would hold if it were not for its share: at least that, where a source
// in it is held to its part. What does not divide evenly is not room to spare.
func (st *serviceStep) demand(groups []shareGroup) []int {
	counts := make([]int, len(groups))
	i, level := 0, st.state.Share.Level
	align(st.state.Prefixes, groups, ofPrefix, func(g *shareGroup) netip.Prefix { return g.prefix }, func(was *PrefixState, g *shareGroup) {
		if g == nil {
			return
		}
		counts[i] = g.held
		if was != nil && was.Each > 0 && slices.ContainsFunc(st.leavesOf[family(g.ipv6)][g.first:g.first+g.sources],
			func(c prefixCount) bool { return c.held >= was.Each }) {
			counts[i] = max(g.held, level)
		}
		i++
	})
	return counts
}

// exemptHeld returns what exempt sources hold, which the others have to do without.
func (st *serviceStep) exemptHeld() int {
	n := 0
	for i := range st.counts {
		if st.counts[i].exempt {
			n += st.census.Sources[i].Held
		}
	}
	return n
}

// shareGroup is a prefix that competes for a service's capacity, and its sources.
type shareGroup struct {
	prefixCount
	first int // its first source among the leaves of its family
	ipv6  bool
}

// shareGroups sums the census up by the prefixes that share the capacity.
func (st *serviceStep) shareGroups() []shareGroup {
	var groups []shareGroup
	for _, ipv6 := range []bool{false, true} {
		leaves := st.leaves(ipv6, func(*counted) bool { return true })
		st.leavesOf[family(ipv6)] = leaves
		first := 0
		for _, c := range foldInto(leaves, shareBits(st.policy, ipv6)) {
			groups = append(groups, shareGroup{prefixCount: c, first: first, ipv6: ipv6})
			first += c.sources
		}
	}
	return groups
}

func family(ipv6 bool) int {
	if ipv6 {
		return 1
	}
	return 0
}

// divide gives the sources of each prefix that is at its share a share of that.
func (st *serviceStep) divide(groups []shareGroup, relax bool) {
	level := st.state.Share.Level
	old := st.state.Prefixes
	st.state.Prefixes = make([]PrefixState, 0, len(old))
	var held []sharing // in order
	counts := make([]int, 0, 64)
	align(old, groups, ofPrefix, func(g *shareGroup) netip.Prefix { return g.prefix }, func(was *PrefixState, g *shareGroup) {
		var p PrefixState
		if was != nil {
			p = *was
		}
		last := p.Each
		p.Each, p.Share = 0, 0
		if g != nil && g.held >= level || g != nil && last > 0 && level != unlimited {
			p.Prefix = g.prefix
			leaves := st.leavesOf[family(g.ipv6)][g.first : g.first+g.sources]
			counts = counts[:0]
			for _, c := range leaves {
				counts = append(counts, c.held)
			}
			if last == 0 {
				last = unlimited
			}
			each := fairShare(counts, level, last, relax)
			if each != unlimited {
				p.Each = each
				held = st.shareOut(held, leaves, each)
			}
			if cappedSum(counts, each) > level {
				p.Share, p.Held, p.Sources, p.SeenAt = level, g.held, g.sources, st.state.Share.At
			}
		}
		if p.Hold.raised() || p.Each > 0 || p.Share > 0 {
			st.state.Prefixes = append(st.state.Prefixes, p)
		}
	})
	st.setShares(held)
}

// sharing is a source that is at its share.
type sharing struct {
	source netip.Prefix
	held   int
	share  int
}

// shareOut adds the sources that are at their share.
func (st *serviceStep) shareOut(held []sharing, leaves []prefixCount, each int) []sharing {
	for _, c := range leaves {
		if c.held >= each && len(held) < st.policy.Observe.MaxSources {
			held = append(held, sharing{c.prefix, c.held, each})
		}
	}
	return held
}

// setShares carries new shares over to the sources; whoever is not among them has none.
func (st *serviceStep) setShares(held []sharing) {
	old := st.state.Sources
	st.state.Sources = make([]SourceState, 0, max(len(old), len(held)))
	a := st.answer(DistributedFlood)
	var s SourceState
	align(old, held, ofSource, func(x *sharing) netip.Prefix { return x.source }, func(src *SourceState, x *sharing) {
		if x != nil && (src == nil || src.Share == 0) {
			a.excess += max(0, x.held-x.share)
		}
		switch {
		case src == nil:
			s = SourceState{Source: x.source, Held: x.held, SeenAt: st.state.Share.At, Share: x.share}
		default:
			s = *src
			s.Share = 0
			if x != nil {
				s.Share = x.share
			}
		}
		if src == nil || !src.limited() {
			if s.Share > 0 && st.limited >= st.policy.Observe.MaxSources {
				s.Share = 0
				st.full++
			} else if s.Share > 0 {
				st.limited++
			}
		} else if !s.limited() {
			st.limited--
		}
		if src != nil || s.Share > 0 {
			st.state.Sources = append(st.state.Sources, s)
		}
	})
}

// unshare ends the fair share.
func (st *serviceStep) unshare(why string) {
	st.answer(DistributedFlood).ended = why
	st.setShares(nil)
	st.state.Prefixes = slices.DeleteFunc(st.state.Prefixes, func(p PrefixState) bool { return !p.Hold.raised() })
	for i := range st.state.Prefixes {
		st.state.Prefixes[i].Each, st.state.Prefixes[i].Share = 0, 0
	}
}

// move notes that the share of a prefix went from one level to another.
func (a *answered) move(from, to int) {
	switch {
	case to == unlimited:
		a.moved = "share lifted: there is enough for all"
	case from == unlimited:
		a.moved = fmt.Sprintf("share set to %d for each /24 or /48", to)
	case to < from:
		a.moved = fmt.Sprintf("share lowered from %d to %d for each /24 or /48", from, to)
	default:
		a.moved = fmt.Sprintf("share raised from %d to %d for each /24 or /48", from, to)
	}
}
