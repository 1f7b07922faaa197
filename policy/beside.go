package policy

import (
	"net/netip"
	"slices"
)

// beside is a list sorted by prefix that is walked beside sources: it finds what it has of each of them and
// around each of them, in one pass and without a copy.
type beside[T any] struct {
	list   []T
	prefix func(*T) netip.Prefix
	next   int
	ahead  netip.Prefix // of the next one
	open   []int        // indexes of those that contain the last source asked for, the widest first
}

// besideOf returns a list to be walked; it does not change it.
func besideOf[T any](list []T, prefix func(*T) netip.Prefix) beside[T] {
	b := beside[T]{list: inOrder(list, prefix), prefix: prefix}
	b.look()
	return b
}

// look finds the prefix of the next one.
func (b *beside[T]) look() {
	if b.next < len(b.list) {
		b.ahead = b.prefix(&b.list[b.next])
	}
}

// around returns the indexes of those that contain the whole of a source, the widest first, until the next
// call. From call to call sources must not go back.
func (b *beside[T]) around(source netip.Prefix) []int {
	for n := len(b.open); n > 0 && !b.prefix(&b.list[b.open[n-1]]).Contains(source.Addr()); n-- {
		b.open = b.open[:n-1]
	}
	for b.next < len(b.list) && ComparePrefix(b.ahead, source) <= 0 {
		if b.ahead.Contains(source.Addr()) {
			b.open = append(b.open, b.next)
		}
		b.next++
		b.look()
	}
	return b.open
}

// at returns what the list has of a source itself, or nil. The same order of calls holds as for around.
func (b *beside[T]) at(source netip.Prefix) *T {
	around := b.around(source)
	if len(around) == 0 {
		return nil
	}
	if x := &b.list[around[len(around)-1]]; b.prefix(x) == source {
		return x
	}
	return nil
}

// ahead is a list of which a merge takes one prefix after the other.
type ahead interface {
	// take leaves the prefix that is next behind, as often as it comes, and returns the one after it; false:
	// there is none.
	take() (netip.Prefix, bool)
	first() (netip.Prefix, bool)
}

// merge calls each once for every prefix in any of several sorted lists, in their order.
func merge(lists []ahead, each func(netip.Prefix)) {
	var fronts []netip.Prefix // of the lists that have not come to their end
	var left []ahead
	for _, l := range lists {
		if p, ok := l.first(); ok {
			fronts, left = append(fronts, p), append(left, l)
		}
	}
	for len(fronts) > 0 {
		least := fronts[0]
		for _, p := range fronts[1:] {
			if ComparePrefix(p, least) < 0 {
				least = p
			}
		}
		for i := len(fronts) - 1; i >= 0; i-- {
			if fronts[i] != least {
				continue
			}
			var more bool
			if fronts[i], more = left[i].take(); !more {
				fronts, left = slices.Delete(fronts, i, i+1), slices.Delete(left, i, i+1)
			}
		}
		each(least)
	}
}

func (b *beside[T]) first() (netip.Prefix, bool) { return b.ahead, b.next < len(b.list) }

func (b *beside[T]) take() (netip.Prefix, bool) {
	for p := b.ahead; b.next < len(b.list) && b.ahead == p; {
		b.next++
		b.look()
	}
	return b.first()
}
