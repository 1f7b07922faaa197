package policy

import (
	"cmp"
	"net/netip"
	"slices"
)

// giveBack takes blocks and strikes over that were there before a policy that was on trial, which has not been
// kept: for the time they have left, and without a further strike. What is known of a source by now says more.
// Those that end first are left out where there is no room. release frees what the policy would not have.
func (st *serviceStep) giveBack(kept []BlockState) {
	var back []BlockState
	for i := range kept {
		b := &kept[i]
		if _, known := st.blocks.find(b.Source); known || b.Service != st.service.Name || b.Decay <= st.o.At && b.Until <= st.o.At {
			continue
		}
		back = append(back, *b)
	}
	slices.SortFunc(back, func(a, b BlockState) int { return cmp.Or(cmp.Compare(b.Until, a.Until), CompareBlocks(a, b)) })
	inForce := 0
	for inForce < len(back) && back[inForce].Until > st.o.At {
		inForce++
	}
	if short := inForce - max(*st.room, 0); short > 0 {
		st.forgive(short)
	}
	fit := min(len(back), max(*st.room, 0))
	st.unplaced += max(0, inForce-fit)
	*st.room -= fit
	for i := range back[:fit] {
		b := &back[i]
		b.Back, b.Close, b.Counted = true, true, st.next.Census
		if b.Until > st.o.At {
			st.returned = append(st.returned, Event{Kind: SourceBlocked, Source: b.Source, Count: 1, Reason: b.Reason,
				Why: "back for " + rounded(b.Until.Sub(st.o.At)) + ", as before the policy that was on trial"})
		}
	}
	if fit > 0 {
		st.blocks.list, st.blocks.ours = slices.Concat(st.blocks.list, back[:fit]), true
		slices.SortFunc(st.blocks.list, CompareBlocks)
	}
}

// settleReturned leaves out what came back and was freed in the same step, as the policy would not have it.
func (st *serviceStep) settleReturned() {
	if len(st.returned) == 0 {
		return
	}
	freed := make(map[netip.Prefix]bool, len(st.freed))
	for i := range st.freed {
		freed[st.freed[i].Source] = true
	}
	came := make(map[netip.Prefix]bool, len(st.returned))
	st.returned = slices.DeleteFunc(st.returned, func(e Event) bool {
		came[e.Source] = true
		return freed[e.Source]
	})
	st.freed = slices.DeleteFunc(st.freed, func(e Event) bool { return came[e.Source] })
}

// asideForHand makes room for the blocks the operator orders in this step and sets it aside, so that no
// evidence takes it: it forgets former blocks of whichever service, those next to decay first. It returns for how
// many blocks there is room. Room is what is left of limits.max_blocks before; no block in force ends by it.
func asideForHand(p *Policy, s *State, o *Observation, d *Decision, room *int) int {
	need := 0
	for i := range o.Orders {
		if h := &o.Orders[i].Block; o.Orders[i].Kind == OrderBlock {
			need += newByHand(p, s, o, d, h)
		}
	}
	if short := need - *room; short > 0 {
		*room += forgetOldest(p, s, o.At, short, d)
	}
	need = min(need, max(*room, 0))
	*room -= need
	return need
}

// newByHand counts the services at which a source is to be blocked by hand that is not known there.
func newByHand(p *Policy, s *State, o *Observation, d *Decision, h *HandBlock) int {
	n := 0
	for i := range p.Services {
		svc := &p.Services[i]
		if h.Service != "" && h.Service != svc.Name || svc.Mode != Enforce || h.Until <= o.At || Covers(ExemptOf(p, svc, d), h.Source) {
			continue
		}
		list := blocksOf(s.Blocks, svc.Name)
		if _, known := list.find(h.Source); !known {
			n++
		}
	}
	return n
}

// forgetOldest forgets up to n blocks that ended, of the policy's services, and returns how many.
func forgetOldest(p *Policy, s *State, at Instant, n int, d *Decision) int {
	var ended []int
	for i := range s.Blocks {
		if s.Blocks[i].Until <= at && p.Service(s.Blocks[i].Service) != nil {
			ended = append(ended, i)
		}
	}
	slices.SortStableFunc(ended, func(a, b int) int { return cmp.Compare(s.Blocks[a].Decay, s.Blocks[b].Decay) })
	ended = ended[:min(n, len(ended))]
	if len(ended) == 0 {
		return 0
	}
	slices.Sort(ended)
	left, gone := make([]BlockState, 0, len(s.Blocks)-len(ended)), ended
	forgotten := make(map[string]int)
	for i := range s.Blocks {
		if len(gone) > 0 && gone[0] == i {
			gone = gone[1:]
			forgotten[s.Blocks[i].Service]++
			continue
		}
		left = append(left, s.Blocks[i])
	}
	s.Blocks = left
	for _, svc := range byName(p) {
		if count := forgotten[svc.Name]; count > 0 {
			d.Events = append(d.Events, forgottenEvent(p, count, Event{At: at, Service: svc.Name, Mode: svc.Mode}))
		}
	}
	return len(ended)
}
