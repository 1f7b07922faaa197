package observer

import (
	"math/bits"
	"math/rand/v2"
	"slices"
)

// tally counts connections per service and source in one flat table: open addressing with linear
// probing, no allocation but when it grows. A Go map would need three times the memory, and two
// cache misses a socket instead of one. Attackers choose their addresses, so the hash has a secret
// key, a new one for each census.
//
// At its bound it drops the lighter half of its sources into dropped, and forgets them. A source
// that is dropped and comes back starts from nothing, so from then on counts are lower bounds; a
// heavy source is never among the lighter half for long, since the kernel reports sockets in an
// order its peers cannot choose.
type tally struct {
	key     [3]uint64
	slots   []slot // a power of two
	used    int
	bound   int
	dropped []rest // by service; Sources counts a source as often as it was dropped
	pruned  bool   // dropped is not empty
}

// slot is the count of one source: 32 bytes. In the host part of an IPv6 group's address, which says
// nothing of the group, it keeps the candidate for the one address that explains the count.
type slot struct {
	source   address
	service  uint16
	bits     uint8
	flags    uint8
	held     uint32
	halfOpen uint32
	votes    uint32 // of the candidate; 0: there is none
}

// rest sums up dropped sources.
type rest struct{ sources, held int }

const (
	slotUsed  = 1 << iota
	slotMixed // some addresses of the group are to be kept whole
	slotOurs  // the host's own address: no source
	slotGroup // an IPv6 source of more than one address
)

// tallyStart is the size of an empty table.
const tallyStart = 1024

// reset empties the table for a count of the given services, keeping at most bound sources.
func (t *tally) reset(services, bound int) {
	t.key = [3]uint64{rand.Uint64(), rand.Uint64(), rand.Uint64()}
	// A table that a flood blew up is not kept for ever.
	if t.slots == nil || len(t.slots) > tallyStart && t.used < len(t.slots)/8 {
		t.slots = make([]slot, tallyStart)
	} else {
		clear(t.slots)
	}
	t.used, t.bound, t.pruned = 0, max(bound, 1), false
	t.dropped = append(t.dropped[:0], make([]rest, services)...)
}

// visit is one connection to be counted.
type visit struct {
	remote  address
	source  address // what remote counts for, unless it is to be kept whole
	hash    uint64  // of source
	service uint16
	bits    uint8
	held    bool
}

// prepare fills in the visit of one connection.
func (t *tally) prepare(v *visit, g *grouping, service int, remote address, held bool) {
	v.source, v.bits = g.group(remote)
	v.remote, v.service, v.held = remote, uint16(service), held
	v.hash = t.hash(v.service, v.source, v.bits)
}

// add counts one connection.
func (t *tally) add(g *grouping, service int, remote address, held bool) {
	var v visit
	t.prepare(&v, g, service, remote, held)
	t.count(g, &v)
}

// count counts one connection. The visit is of this count: reset changes the hash.
func (t *tally) count(g *grouping, v *visit) {
	s := t.slot(g, v.hash, v.service, v.source, v.bits)
	if s.flags&slotMixed != 0 && g.whole(v.remote, v.service) {
		s = t.slot(g, t.hash(v.service, v.remote, 128), v.service, v.remote, 128)
	}
	if v.held {
		s.held++
		if s.flags&slotGroup != 0 {
			s.vote(v.remote)
		}
	} else {
		s.halfOpen++
	}
}

// slot returns the slot of a source, new if need be. It is valid until the next call.
func (t *tally) slot(g *grouping, hash uint64, service uint16, source address, bits uint8) *slot {
	at := t.probe(hash, service, source, bits)
	if t.slots[at].flags != 0 {
		return &t.slots[at]
	}
	if t.used >= t.bound {
		t.prune()
		at = t.probe(hash, service, source, bits)
	} else if t.used >= len(t.slots)/8*7 {
		t.rebuild(2*len(t.slots), nil)
		at = t.probe(hash, service, source, bits)
	}
	s := slot{source: source, service: service, bits: bits, flags: slotUsed}
	if bits < 128 && !source.is4() {
		s.flags |= slotGroup
		if g.mixed(source) {
			s.flags |= slotMixed
		}
	}
	if (bits == 128 || source.is4()) && g.ours(source) {
		s.flags |= slotOurs
	}
	t.used++
	t.slots[at] = s
	return &t.slots[at]
}

// probe returns the place of a source with the given hash: its slot, or the free one where it
// belongs.
func (t *tally) probe(hash uint64, service uint16, source address, bits uint8) int {
	mask, prefix := len(t.slots)-1, prefixMask(source, bits)
	for at := int(hash) & mask; ; at = (at + 1) & mask {
		s := &t.slots[at]
		if s.flags == 0 || s.source.same(source, prefix) && s.service == service && s.bits == bits {
			return at
		}
	}
}

// hash folds the 128-bit products of the source and the key, which takes a third of the time of
// hash/maphash.
func (t *tally) hash(service uint16, source address, length uint8) uint64 {
	hi, lo := bits.Mul64(source.hi^t.key[0], source.lo^t.key[1])
	hi, lo = bits.Mul64(hi^lo^uint64(service)<<8^uint64(length), t.key[2])
	return hi ^ lo
}

// prune drops the lighter half of the sources, at least one.
func (t *tally) prune() {
	t.pruned = true
	weights := make([]uint32, 0, t.used)
	for i := range t.slots {
		if t.slots[i].flags != 0 {
			weights = append(weights, t.slots[i].held)
		}
	}
	slices.Sort(weights)
	excess := (len(weights) + 1) / 2
	limit := weights[excess-1]
	below, _ := slices.BinarySearch(weights, limit)
	equal := excess - below // of those at the limit, how many have to go
	t.rebuild(len(t.slots), func(s *slot) bool {
		drop := s.held < limit
		if s.held == limit && equal > 0 {
			equal--
			drop = true
		}
		if drop && s.flags&slotOurs == 0 {
			t.dropped[s.service].sources++
			t.dropped[s.service].held += int(s.held)
		}
		return drop
	})
}

// rebuild moves the slots into a table of the given size, leaving out those drop returns true for.
func (t *tally) rebuild(size int, drop func(*slot) bool) {
	old := t.slots
	t.slots, t.used = make([]slot, size), 0
	for i := range old {
		s := &old[i]
		if s.flags == 0 || drop != nil && drop(s) {
			continue
		}
		base := s.base()
		t.slots[t.probe(t.hash(s.service, base, s.bits), s.service, base, s.bits)] = *s
		t.used++
	}
}
