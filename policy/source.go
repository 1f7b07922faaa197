package policy

import "net/netip"

// Group returns the source an address counts for: the IPv4 address itself, or the IPv6 prefix of
// ipv6Bits bits. Mapped addresses (::ffff:a.b.c.d) are IPv4.
func Group(addr netip.Addr, ipv6Bits int) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = ipv6Bits
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

// ComparePrefix is the total order in which sources are sorted: by address, IPv4 before IPv6,
// then the wider prefix first.
func ComparePrefix(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// Covers reports whether any of prefixes contains the whole of p.
func Covers(prefixes []netip.Prefix, p netip.Prefix) bool {
	for _, e := range prefixes {
		if e.Bits() <= p.Bits() && e.Contains(p.Addr()) {
			return true
		}
	}
	return false
}
