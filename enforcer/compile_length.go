package enforcer

import (
	"iter"
	"net/netip"
	"strconv"

	"ebbgate/policy"
)

// sourceSet is the set of an answer's sources of one family and length.
type sourceSet struct {
	family family
	bits   int
	set    Set
}

// sourceSets returns the empty sets of one kind of answer, for all lengths. That of plain sources has
// the plain name. The lengths follow from the policy alone, so that no set comes or goes while a flood
// changes its shape.
func (c *compiler) sourceSets(pt *part, kind string, size uint32) []sourceSet {
	var sets []sourceSet
	for _, f := range families {
		for _, bits := range pt.svc.Lengths(c.policy, f.proto == nfprotoIPv6) {
			name := pt.name(kind + f.suffix)
			if bits != c.bits(f) {
				name += "p" + strconv.Itoa(bits)
			}
			sets = append(sets, sourceSet{f, bits, Set{Name: name, Key: f.key, Timeout: true, Size: size}})
		}
	}
	return sets
}

// place puts sources into the sets of their family and length. Without one, a source is left out:
// nothing the policy says could have named it.
func (pt *part) place(sets []sourceSet, sources iter.Seq2[netip.Prefix, policy.Instant]) {
	// There may be 100,000, placed anew in every turn: the room is made once.
	room := make([]int, len(sets))
	for source := range sources {
		if i := setOf(sets, source); i >= 0 {
			room[i]++
		}
	}
	for i := range sets {
		sets[i].set.Elements = make([]Element, 0, room[i])
	}
	for source, until := range sources {
		if i := setOf(sets, source); i >= 0 {
			sets[i].set.source(pt, source, until)
		}
	}
}

// setOf returns the index of the set of a source's family and length, or -1.
func setOf(sets []sourceSet, source netip.Prefix) int {
	for i := range sets {
		if s := &sets[i]; s.bits == source.Bits() && s.family.of(source.Addr()) {
			return i
		}
	}
	return -1
}

// source adds a source that is not exempt: Step never asks for one that is, and P4 is checked twice. A
// set that is full takes no more, and its sources are the first ones: one element beyond the size would
// have the kernel refuse the whole transaction.
func (s *Set) source(pt *part, source netip.Prefix, until policy.Instant) {
	if len(s.Elements) < int(s.Size/setSpare) && !pt.spares(source) {
		s.Elements = append(s.Elements, Element{Key: addrKey(source.Addr()), Until: until})
	}
}
