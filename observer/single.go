package observer

import "net/netip"

// vote is the majority vote of Boyer and Moore over the connections that an IPv6 group holds: the
// candidate, kept in the host part of the group's address, gains a vote for each of its own and
// loses one for each of another's. Its votes are never more than it holds, and at least what the
// group holds less twice what the others hold, in whatever order connections come.
func (s *slot) vote(a address) {
	switch {
	case s.votes == 0:
		s.source, s.votes = a, 1
	case s.source == a:
		s.votes++
	default:
		s.votes--
	}
}

// single returns the address that certainly holds more than all others of a group together, and
// what it holds at least: nothing if its votes do not prove that. One that holds three quarters is
// always found, one that holds barely half only if connections come in an order that favours it.
func (s *slot) single() (netip.Addr, int) {
	if s.flags&slotGroup == 0 || s.votes <= s.held-s.votes {
		return netip.Addr{}, 0
	}
	return s.source.addr(), int(s.votes)
}

// base returns the address of the source, without the candidate in a group's host part.
func (s *slot) base() address {
	if s.flags&slotGroup == 0 {
		return s.source
	}
	return s.source.masked(int(s.bits))
}

// prefixMask returns the bits of an address that tell a source of the given length from others.
func prefixMask(source address, bits uint8) address {
	if source.is4() {
		return address{^uint64(0), ^uint64(0)}
	}
	return address{^uint64(0) << (64 - min(bits, 64)), ^uint64(0) << (128 - max(bits, 64))}
}

// same reports whether a and b agree in the bits of a mask.
func (a address) same(b, mask address) bool {
	return (a.hi^b.hi)&mask.hi|(a.lo^b.lo)&mask.lo == 0
}
