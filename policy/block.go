package policy

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"time"
)

// blockList is the part of State.Blocks that belongs to one service: sorted, copied before its first
// change.
type blockList struct {
	list   []BlockState
	walked []netip.Prefix // of the blocks in force, for the walks of this step
	index  []int
	ours   bool // list is a copy
}

// blocksOf cuts a service's part out of a list sorted by service and source.
func blocksOf(all []BlockState, service string) blockList {
	at := func(b BlockState, name string) int { return cmp.Compare(b.Service, name) }
	first, found := slices.BinarySearchFunc(all, service, at)
	if !found {
		return blockList{}
	}
	n, _ := slices.BinarySearchFunc(all[first:], service, func(b BlockState, name string) int {
		if b.Service == name {
			return -1
		}
		return 1
	})
	return blockList{list: all[first : first+n : first+n]}
}

// blocksIn counts the blocks of a policy's services.
func blocksIn(p *Policy, all []BlockState) int {
	n := 0
	for i := range p.Services {
		n += len(blocksOf(all, p.Services[i].Name).list)
	}
	return n
}

// CompareBlocks orders blocks as State.Blocks is: by service and source.
func CompareBlocks(a, b BlockState) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), ComparePrefix(a.Source, b.Source))
}

// change returns a block to be changed.
func (b *blockList) change(i int) *BlockState {
	if !b.ours {
		b.list, b.ours = slices.Clone(b.list), true
	}
	return &b.list[i]
}

// find returns the index of a source's block, in force or remembered, or where it belongs.
func (b *blockList) find(source netip.Prefix) (int, bool) {
	return slices.BinarySearchFunc(b.list, source, func(s BlockState, p netip.Prefix) int { return ComparePrefix(s.Source, p) })
}

// anyWithin reports whether a part of a source, but for one address, was blocked and is remembered.
func (b *blockList) anyWithin(source netip.Prefix, but netip.Addr) bool {
	i, _ := b.find(source)
	for ; i < len(b.list) && source.Contains(b.list[i].Source.Addr()); i++ {
		if p := b.list[i].Source; p.Bits() > source.Bits() && p.Addr() != but {
			return true
		}
	}
	return false
}

// blockWalk finds the blocks in force around sources that come in order.
type blockWalk struct {
	blocks *blockList
	nest   nest
	now    Instant
}

// walk begins a walk over the blocks in force.
func (b *blockList) walk(now Instant) blockWalk {
	if b.walked == nil {
		for i := range b.list {
			if b.list[i].Until > now {
				b.walked, b.index = append(b.walked, b.list[i].Source), append(b.index, i)
			}
		}
	}
	return blockWalk{blocks: b, nest: sortedNest(b.walked), now: now}
}

// covers reports whether the whole of a source is blocked. One with an override is not with the prefix
// around it, unless that was blocked by hand.
func (w *blockWalk) covers(source netip.Prefix, override bool) bool {
	if !w.nest.covers(source) {
		return false
	}
	return !override || slices.ContainsFunc(w.nest.open, func(i int) bool {
		return w.nest.list[i] == source || w.nest.list[i].Bits() <= source.Bits() && w.blocks.list[w.blocks.index[i]].byHand()
	})
}

// held notes that the source last asked for still holds connections in spite of the blocks around it.
func (w *blockWalk) held(at Instant, n int) {
	if n == 0 {
		return
	}
	for _, i := range w.nest.open {
		w.note(w.blocks.index[i], at)
	}
}

func (w *blockWalk) note(i int, at Instant) {
	if b := &w.blocks.list[i]; !b.Close || b.Counted != at {
		b = w.blocks.change(i)
		b.Close, b.Counted = true, at
	}
}

// within returns how many of a source's connections belong to a blocked part of it.
func (w *blockWalk) within(at Instant, c *SourceCensus) int {
	if !c.Single.IsValid() || len(w.nest.list) == 0 {
		return 0
	}
	i, found := w.blocks.find(netip.PrefixFrom(c.Single, 128))
	if !found || w.blocks.list[i].Until <= w.now {
		return 0
	}
	w.note(i, at)
	return c.SingleHeld
}

// blockStep returns how long the strikes-th block lasts, the last step for all further ones.
func (r *Response) blockStep(strikes int) time.Duration {
	return r.BlockFor[min(strikes, len(r.BlockFor))-1]
}

// jitter shifts a time by up to a tenth either way, so that sources blocked together do not all come
// back together, and nobody can tell from outside when. Equal input gives equal output.
func jitter(d time.Duration, seed uint64, service string, source netip.Prefix, strikes int) time.Duration {
	h := fnv.New64a()
	fmt.Fprint(h, seed, service, source, strikes)
	const steps = 2001
	return d + d/10*time.Duration(int64(h.Sum64()%steps)-steps/2)/(steps/2)
}

// together moves the end of a block so long to one it has in common with others, up to a 256th of that
// later and a second at least: many blocks that end one by one would cost a turn each.
func together(end Instant, long time.Duration) Instant {
	step := Instant(max(long/256, time.Second))
	return (end + step - 1) / step * step
}
