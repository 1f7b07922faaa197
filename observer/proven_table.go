package observer

import (
	"math/bits"
	"math/rand/v2"

	"ebbgate/policy"
)

// provenTable remembers an Instant for each source: open addressing with linear probing, like
// tally, and for the same reasons. A Go map took three times as long for a hundred thousand
// sources. Nothing is ever removed from it one by one: keep rebuilds it.
type provenTable struct {
	key   [3]uint64 // secret: attackers choose their addresses
	slots []provenSlot
	used  int
}

// provenSlot is 24 bytes; free if at is 0, which is no time at which anybody could have connected.
type provenSlot struct {
	source address
	at     policy.Instant
}

// provenStart is the size of an empty table.
const provenStart = 1024

func newProvenTable(size int) provenTable {
	return provenTable{key: [3]uint64{rand.Uint64(), rand.Uint64(), rand.Uint64()}, slots: make([]provenSlot, size)}
}

// find returns the slot of a source, or the free one where it belongs.
func (t *provenTable) find(source address) *provenSlot {
	hi, lo := bits.Mul64(source.hi^t.key[0], source.lo^t.key[1])
	hi, lo = bits.Mul64(hi^lo, t.key[2])
	mask := len(t.slots) - 1
	for at := int(hi^lo) & mask; ; at = (at + 1) & mask {
		if s := &t.slots[at]; s.at == 0 || s.source == source {
			return s
		}
	}
}

// put fills a free slot that find returned, and makes the table larger in time.
func (t *provenTable) put(s *provenSlot, source address, at policy.Instant) {
	*s = provenSlot{source, at}
	t.used++
	if t.used > len(t.slots)/4*3 {
		t.rebuild(2*len(t.slots), func(*provenSlot) bool { return true })
	}
}

// keep forgets the sources for which want is false, and gives memory back where that leaves much.
func (t *provenTable) keep(want func(*provenSlot) bool) {
	left := 0
	for i := range t.slots {
		if s := &t.slots[i]; s.at != 0 && want(s) {
			left++
		}
	}
	size := len(t.slots)
	for size > provenStart && left < size/4 {
		size /= 2
	}
	t.rebuild(size, want)
}

func (t *provenTable) rebuild(size int, want func(*provenSlot) bool) {
	fresh := newProvenTable(size)
	for i := range t.slots {
		if s := &t.slots[i]; s.at != 0 && want(s) {
			*fresh.find(s.source) = *s
			fresh.used++
		}
	}
	*t = fresh
}
