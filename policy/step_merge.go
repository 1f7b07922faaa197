package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// mergeLeast is from how many blocked sources on a prefix is blocked in their place where there is no
// room for more: fewer may be the neighbours of clients. So may the many in a prefix that is wider than one
// network: the shortest prefixes that are blocked so are those of the fair share.
const mergeLeast = 16

// makeRoom finds room for as many blocks as there was none for. First the strikes of blocks that ended
// are forgotten, those next to decay first. If that is not enough, prefixes the policy has limits for are
// blocked in place of the sources in them. No block in force ends by that.
func (st *serviceStep) makeRoom() {
	if st.noRoom == 0 {
		return
	}
	want := st.noRoom - st.forgive(st.noRoom)
	for _, l := range st.service.Connections.PerPrefix {
		if want > 0 && l.Bits >= shareBits(st.policy, l.IPv6) {
			want -= st.merge(l, want)
		}
	}
}

// forgive forgets up to n blocks that ended, and returns how many.
func (st *serviceStep) forgive(n int) int {
	var ended []int
	for i := range st.blocks.list {
		if st.blocks.list[i].Until <= st.o.At {
			ended = append(ended, i)
		}
	}
	slices.SortStableFunc(ended, func(a, b int) int { return cmp.Compare(st.blocks.list[a].Decay, st.blocks.list[b].Decay) })
	ended = ended[:min(n, len(ended))]
	slices.Sort(ended)
	st.forget(ended)
	if len(ended) > 0 {
		st.report(forgottenEvent(st.policy, len(ended), Event{}))
	}
	return len(ended)
}

// forgottenEvent says that strikes were forgotten.
func forgottenEvent(p *Policy, n int, e Event) Event {
	e.Kind, e.Count, e.Why = StrikesForgotten, n, fmt.Sprintf("to make room for new blocks, limits.max_blocks is %d", p.Limits.MaxBlocks)
	return e
}

// cluster is a prefix and the blocks in force within it, as indexes.
type cluster struct {
	prefix netip.Prefix
	blocks []int
}

// merge blocks prefixes of one length in place of the sources in them, those with the most blocks first,
// until there is room for n more. It returns for how many there is.
func (st *serviceStep) merge(l PrefixLimit, n int) int {
	clusters := slices.DeleteFunc(st.clusters(l), func(c cluster) bool { return len(c.blocks) < mergeLeast })
	slices.SortStableFunc(clusters, func(a, b cluster) int { return len(b.blocks) - len(a.blocks) })
	var gone []int
	var wide []BlockState
	freed := 0
	for _, c := range clusters {
		if freed >= n {
			break
		}
		b := st.mergedBlock(c)
		gone, wide = append(gone, c.blocks...), append(wide, b)
		freed += len(c.blocks) - 1
		st.report(Event{Kind: BlocksMerged, Source: b.Source, Count: len(c.blocks), Reason: b.Reason})
	}
	if len(wide) == 0 {
		return 0
	}
	slices.Sort(gone)
	st.forget(gone)
	*st.room -= len(wide)
	st.blocks.list = append(st.blocks.list, wide...)
	slices.SortFunc(st.blocks.list, func(a, b BlockState) int { return ComparePrefix(a.Source, b.Source) })
	return freed
}

// clusters groups the blocks in force by their prefix of one length. Sources with an override are no part
// of any: a block of the prefix around them is not for them.
func (st *serviceStep) clusters(l PrefixLimit) []cluster {
	var list []cluster
	allow := newAllowances(st.service)
	for i := range st.blocks.list {
		b := &st.blocks.list[i]
		if allow.of(b.Source).override || b.byHand() || b.Until <= st.o.At || b.Source.Addr().Is6() != l.IPv6 || b.Source.Bits() < l.Bits {
			continue
		}
		p, _ := b.Source.Addr().Prefix(l.Bits)
		if n := len(list); n == 0 || list[n-1].prefix != p {
			list = append(list, cluster{prefix: p})
		}
		c := &list[len(list)-1]
		c.blocks = append(c.blocks, i)
	}
	return list
}

// mergedBlock is the block of a prefix that stands for those within it: as long as the longest of them. It
// closes nothing: what the sources held they have lost, and what others within hold is no offence.
func (st *serviceStep) mergedBlock(c cluster) BlockState {
	m := st.blocks.list[c.blocks[0]]
	for _, i := range c.blocks[1:] {
		b := &st.blocks.list[i]
		m.Strikes, m.Until, m.Decay = max(m.Strikes, b.Strikes), max(m.Until, b.Until), max(m.Decay, b.Decay)
	}
	m.Source, m.Mode, m.Since, m.Left, m.Close, m.Counted = c.prefix, st.service.Mode, st.o.At, false, false, 0
	m.Reason = Reason{Rule: RuleMerged, Measured: len(c.blocks), Threshold: st.policy.Limits.MaxBlocks, At: st.o.At}
	return m
}
