package notify

import (
	"cmp"
	"slices"
)

// maxLedger bounds the events the ledger tells apart. Beyond it the oldest count as told.
const maxLedger = 1024

// ledger remembers which events of the stream need not be told any more: all up to one, and some after it.
type ledger struct {
	after uint64  // the last of those that, with all before it, are settled
	last  uint64  // the last one read; not before after
	open  []entry // after it, in order
}

type entry struct {
	id      uint64
	settled bool
}

// see takes note that an event was read, and reports whether it is still to be told.
func (l *ledger) see(id uint64, settled bool) bool {
	i, found := l.find(id)
	switch {
	case found:
		settled = settled || l.open[i].settled
		l.open[i].settled = settled
	case id <= l.last:
		return false
	default:
		l.open = slices.Insert(l.open, i, entry{id, settled})
	}
	l.last = max(l.last, id)
	if len(l.open) > maxLedger {
		l.open[0].settled = true
	}
	l.compact()
	return !settled
}

// settle takes note that events were told, or never will be.
func (l *ledger) settle(ids []uint64) {
	for _, id := range ids {
		if i, found := l.find(id); found {
			l.open[i].settled = true
		}
	}
	l.compact()
}

// read takes note of where the stream goes on when there was nothing new.
func (l *ledger) read(next uint64) {
	l.last = max(l.last, next)
	l.compact()
}

// reset begins anew after an event.
func (l *ledger) reset(after uint64) { *l = ledger{after: after, last: after} }

// restore takes up what an earlier run has remembered: ids in order, all after the first.
func (l *ledger) restore(after uint64, settled []uint64) {
	l.reset(after)
	for _, id := range settled {
		l.open = append(l.open, entry{id, true})
	}
}

func (l *ledger) find(id uint64) (int, bool) {
	return slices.BinarySearchFunc(l.open, id, func(e entry, id uint64) int { return cmp.Compare(e.id, id) })
}

// settled returns those after the watermark that are settled.
func (l *ledger) settled() []uint64 {
	var out []uint64
	for _, e := range l.open {
		if e.settled {
			out = append(out, e.id)
		}
	}
	return out
}

// compact forgets what is settled at the beginning of what was read. What was restored and not read again
// yet may have others before it.
func (l *ledger) compact() {
	n := 0
	for n < len(l.open) && l.open[n].settled && l.open[n].id <= l.last {
		l.after = l.open[n].id
		n++
	}
	l.open = slices.Delete(l.open, 0, n)
	if len(l.open) == 0 {
		l.after = l.last
	}
}
