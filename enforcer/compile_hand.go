package enforcer

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strconv"

	"ebbgate/policy"
)

// handSet begins the names of sets of blocks that the operator ordered.
const handSet = "hand"

// handSets returns the empty sets of the blocks that the operator ordered: one for each family and length
// there is, the longest first. Such lengths do not follow from the policy, and change no faster than an
// operator types.
func (c *compiler) handSets(pt *part) []sourceSet {
	var sets []sourceSet
	for i := range pt.blocks {
		b := &pt.blocks[i]
		if !b.ByHand() || setOf(sets, b.Source) >= 0 {
			continue
		}
		for _, f := range families {
			if bits := b.Source.Bits(); f.of(b.Source.Addr()) {
				name := pt.name(handSet + f.suffix + "p" + strconv.Itoa(bits))
				sets = append(sets, sourceSet{f, bits, Set{Name: name, Key: f.key, Timeout: true, Size: c.blockSize()}})
			}
		}
	}
	slices.SortFunc(sets, func(a, b sourceSet) int {
		return cmp.Or(cmp.Compare(a.family.suffix, b.family.suffix), b.bits-a.bits)
	})
	return sets
}

// blocked yields a service's blocks: those that the operator ordered, or all others.
func (pt *part) blocked(byHand bool) iter.Seq2[netip.Prefix, policy.Instant] {
	return func(yield func(netip.Prefix, policy.Instant) bool) {
		for i := range pt.blocks {
			if b := &pt.blocks[i]; b.ByHand() == byHand && !yield(b.Source, b.Until) {
				return
			}
		}
	}
}

// blockSize is that of a set of blocks.
func (c *compiler) blockSize() uint32 { return uint32(setSpare * c.policy.Limits.MaxBlocks) }
