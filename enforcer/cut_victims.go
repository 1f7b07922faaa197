package enforcer

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"ebbgate/policy"
)

// victims returns what is to be closed, the most urgent first: the connections of blocked sources,
// then what limits ask for, the finest prefixes first so that wider ones find less left, then what
// reliefs ask for.
func (w *cut) victims() []*candidate {
	w.rest()
	list := make([]*candidate, 0, len(w.blocked))
	for i := range w.blocked {
		list = append(list, &w.blocked[i])
	}
	list = w.overLimits(list)
	return w.silent(list)
}

// overLimits adds what groups hold beyond their limits.
func (w *cut) overLimits(list []*candidate) []*candidate {
	of := make([][]*candidate, len(w.groups))
	for i := range w.others {
		c := &w.others[i]
		for _, g := range w.members[c.first:c.last] {
			if w.groups[g].held > w.groups[g].keep {
				of[g] = append(of[g], c)
			}
		}
	}
	order := make([]int, len(w.groups))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &w.groups[a], &w.groups[b]
		return cmp.Or(finest(x.source, y.source), strings.Compare(x.service, y.service), policy.ComparePrefix(x.source, y.source))
	})
	for _, g := range order {
		left := slices.DeleteFunc(of[g], func(c *candidate) bool { return c.chosen })
		excess := w.groups[g].held - (len(of[g]) - len(left)) - w.groups[g].keep
		list = choose(list, left, excess)
	}
	return list
}

// finest orders prefixes by how many addresses they leave out, the smallest first.
func finest(a, b netip.Prefix) int {
	return (a.Addr().BitLen() - a.Bits()) - (b.Addr().BitLen() - b.Bits())
}

// silent adds silent connections of services that are to be relieved, those that have stood still
// longest first.
func (w *cut) silent(list []*candidate) []*candidate {
	of := make(map[*cutService][]*candidate)
	left := make(map[*cutService]int)
	for i := range w.others {
		c := &w.others[i]
		switch {
		case c.chosen:
			left[c.service]--
		case c.silent && c.service.relief >= 0 && c.flow == nil:
			of[c.service] = append(of[c.service], c)
		}
	}
	for _, s := range w.services {
		list = choose(list, of[s], left[s]+s.held-s.relief)
	}
	return list
}

// choose appends the n candidates with the least progress, or all of them if they are fewer.
func choose(list, from []*candidate, n int) []*candidate {
	n = min(n, len(from))
	if n <= 0 {
		return list
	}
	leastProgress(from)
	for _, c := range from[:n] {
		c.chosen = true
	}
	return append(list, from[:n]...)
}
