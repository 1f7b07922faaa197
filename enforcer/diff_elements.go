package enforcer

import "slices"

// elements adds the operations that turn the old elements of a set into the wanted ones, both
// sorted by key, and returns what the set will hold.
func (d *differ) elements(want Set, old []Element) []Element {
	if identical(old, want.Elements) {
		return want.Elements // the very list of before, whose ends do not move
	}
	if len(old) == 0 && d.allAlive(want.Elements) {
		if len(want.Elements) > 0 {
			d.add(Op{Verb: Add, Object: ObjectElements, Set: want, Elements: want.Elements})
		}
		return want.Elements
	}
	var add, del []Element
	after := make([]Element, 0, len(want.Elements))
	target := want.Elements
	for len(old) > 0 || len(target) > 0 {
		switch c := order(old, target); {
		case c < 0:
			if keep := d.leave(old[0], &del); keep {
				after = append(after, old[0])
			}
			old = old[1:]
		case c > 0:
			if d.alive(target[0]) {
				add, after = append(add, target[0]), append(after, target[0])
			}
			target = target[1:]
		default:
			if e, keep := d.renew(old[0], target[0], &add, &del); keep {
				after = append(after, e)
			}
			old, target = old[1:], target[1:]
		}
	}
	if len(del) > 0 {
		d.add(Op{Verb: Delete, Object: ObjectElements, Set: want, Elements: del})
	}
	if len(add) > 0 {
		d.add(Op{Verb: Add, Object: ObjectElements, Set: want, Elements: add})
	}
	if slices.Equal(after, want.Elements) {
		return want.Elements // so that the next comparison knows it by sight
	}
	return after
}

// order compares the first keys of two sorted lists; an empty list comes last.
func order(a, b []Element) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return compareKeys(a[0].Key, b[0].Key)
}

// leave deletes an element that is not wanted any more. It reports whether the element stays
// for now, because the kernel is about to drop it by itself.
func (d *differ) leave(e Element, del *[]Element) bool {
	switch {
	case d.gone(e):
		return false
	case d.ending(e):
		return true
	}
	*del = append(*del, e)
	return false
}

// renew brings one element up to date. Deleting and adding it in one transaction gives it a new
// timeout on every kernel; adding it alone does so since Linux 6.12 only. It returns the element
// as it will be, and false if there will be none.
func (d *differ) renew(old, want Element, add, del *[]Element) (Element, bool) {
	switch {
	case d.gone(old):
		if d.alive(want) {
			*add = append(*add, want)
		}
		return want, d.alive(want)
	case d.ending(old):
		if end := old.Until.Add(expiryAfter); d.alive(want) && (d.again == 0 || end < d.again) {
			d.again = end
		}
		return old, true
	case !d.alive(want) && want.Until != 0, !d.due(old, want):
		return old, true
	}
	*del = append(*del, old)
	*add = append(*add, want)
	return want, true
}

// due reports whether the kernel's timeout is off by more than a third of the lease, or the
// element leads elsewhere.
func (d *differ) due(old, want Element) bool {
	if old.End != want.End || old.Chain != want.Chain || (old.Until == 0) != (want.Until == 0) {
		return true
	}
	has, wants := old.Until.Sub(d.now), want.Until.Sub(d.now)
	return want.Until != 0 && (has*3 < wants*2 || wants*3 < has*2)
}

// alive reports whether an element is worth adding: the kernel takes no timeout of nothing.
func (d *differ) alive(e Element) bool {
	return e.Until == 0 || e.Until.Sub(d.now) > expiryBefore
}

// allAlive reports whether every one is.
func (d *differ) allAlive(list []Element) bool {
	for i := range list {
		if !d.alive(list[i]) {
			return false
		}
	}
	return true
}

// gone reports whether the kernel has dropped an element by itself.
func (d *differ) gone(e Element) bool { return e.Until != 0 && d.now.Sub(e.Until) >= expiryAfter }

// ending reports whether it is about to.
func (d *differ) ending(e Element) bool {
	return e.Until != 0 && !d.gone(e) && e.Until.Sub(d.now) < expiryBefore
}
