package policy

import (
	"net/netip"
	"slices"
)

// nest tells which of a list of prefixes contain each of a sequence of others. Both are walked
// together in the order of ComparePrefix, so that 100,000 sources beside 10,000 exempt prefixes cost
// one pass over each.
type nest struct {
	list []netip.Prefix
	next int
	open []int // indexes of those that contain the last address asked for, the widest first
}

// newNest returns a nest of prefixes in any order; it does not change the list.
func newNest(list []netip.Prefix) nest {
	if !slices.IsSortedFunc(list, ComparePrefix) {
		list = slices.Clone(list)
		slices.SortFunc(list, ComparePrefix)
	}
	return nest{list: list}
}

// sortedNest returns a nest of prefixes that are sorted already.
func sortedNest(list []netip.Prefix) nest { return nest{list: list} }

// covers reports whether any prefix contains the whole of p. From call to call p must not come before
// the last one.
func (n *nest) covers(p netip.Prefix) bool {
	n.advance(p)
	return len(n.open) > 0 && n.list[n.open[0]].Bits() <= p.Bits()
}

// longest returns the index of the longest prefix that contains the whole of p, or -1. The same order
// of calls holds as for covers.
func (n *nest) longest(p netip.Prefix) int {
	n.advance(p)
	for _, i := range slices.Backward(n.open) {
		if n.list[i].Bits() <= p.Bits() {
			return i
		}
	}
	return -1
}

func (n *nest) advance(p netip.Prefix) {
	for len(n.open) > 0 && !n.list[n.open[len(n.open)-1]].Contains(p.Addr()) {
		n.open = n.open[:len(n.open)-1]
	}
	for n.next < len(n.list) && ComparePrefix(n.list[n.next], p) <= 0 {
		if n.list[n.next].Contains(p.Addr()) {
			n.open = append(n.open, n.next)
		}
		n.next++
	}
}
