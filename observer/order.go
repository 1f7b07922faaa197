package observer

import "slices"

// rank is what a slot is ordered by. Sorting ranks takes a third of the time of sorting slots,
// which, where sources hold one connection each, was most of our own.
type rank struct {
	class  uint32 // service, and among its sources IPv4 before IPv6
	at     uint32 // where the slot is
	hi, lo uint64
}

// sorted returns the slots that are sources, by service, then in the order of
// policy.ComparePrefix. Groups whose every connection was kept whole are none.
func (t *tally) sorted() []slot {
	ranks := make([]rank, 0, t.used)
	for i := range t.slots {
		s := &t.slots[i]
		if s.flags != 0 && s.flags&slotOurs == 0 && s.held+s.halfOpen > 0 {
			class, base := uint32(s.service)<<1, s.base()
			if !base.is4() {
				class |= 1
			}
			ranks = append(ranks, rank{class, uint32(i), base.hi, base.lo})
		}
	}
	slices.SortFunc(ranks, func(a, b rank) int {
		switch {
		case a.class != b.class:
			return order(a.class < b.class)
		case a.hi != b.hi:
			return order(a.hi < b.hi)
		case a.lo != b.lo:
			return order(a.lo < b.lo)
		}
		return order(t.slots[a.at].bits < t.slots[b.at].bits)
	})
	all := make([]slot, len(ranks))
	for i := range ranks {
		all[i] = t.slots[ranks[i].at]
	}
	return all
}

// order is the comparison of two that differ.
func order(less bool) int {
	if less {
		return -1
	}
	return 1
}
