package enforcer

import (
	"net/netip"
	"slices"
)

// span is an inclusive range of addresses.
type span struct{ first, last netip.Addr }

// merge returns the prefixes of one family as sorted ranges that neither overlap nor touch.
func merge(prefixes []netip.Prefix, f family) []span {
	var spans []span
	for _, p := range prefixes {
		if f.of(p.Addr()) {
			spans = append(spans, span{p.Masked().Addr(), lastAddr(p)})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.first.Compare(b.first) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 {
			// Next of the last address of all is the zero Addr, which is less than any other.
			if end := out[n-1].last; s.first.Compare(end) <= 0 || s.first == end.Next() {
				if s.last.Compare(end) > 0 {
					out[n-1].last = s.last
				}
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// lastAddr returns the highest address of a prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	if p.IsSingleIP() {
		return p.Addr()
	}
	b := p.Masked().Addr().AsSlice()
	for i, m := range mask(len(b), p.Bits()) {
		b[i] |= ^m
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// coverage is all addresses within any of some prefixes: merged ranges, by family as in families.
type coverage [len(families)][]span

func cover(prefixes []netip.Prefix) coverage {
	var c coverage
	for i, f := range families {
		c[i] = merge(prefixes, f)
	}
	return c
}

// has reports whether there is any address of a family.
func (c *coverage) has(f family) bool { return slices.Contains(c.families(), f) }

// families returns those of which there is any address.
func (c *coverage) families() []family {
	var list []family
	for i, f := range families {
		if len(c[i]) > 0 {
			list = append(list, f)
		}
	}
	return list
}

// equal reports whether both are the same addresses.
func (c *coverage) equal(o *coverage) bool {
	for i := range c {
		if !slices.Equal(c[i], o[i]) {
			return false
		}
	}
	return true
}

// covers reports whether all addresses of p are among them. It is asked for each of 100,000 sources
// beside 10,000 exempt prefixes, in every turn, hence the binary search.
func (c *coverage) covers(p netip.Prefix) bool {
	p = p.Masked()
	for i, f := range families {
		if s := c[i]; len(s) > 0 && f.of(p.Addr()) {
			at, found := slices.BinarySearchFunc(s, p.Addr(), func(s span, a netip.Addr) int { return s.first.Compare(a) })
			if !found {
				at--
			}
			return at >= 0 && p.Addr().Compare(s[at].last) <= 0 && lastAddr(p).Compare(s[at].last) <= 0
		}
	}
	return false
}

// contains reports whether an address is among them.
func (c *coverage) contains(a netip.Addr) bool { return c.covers(netip.PrefixFrom(a, a.BitLen())) }
