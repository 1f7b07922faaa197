package policy

import (
	"fmt"
	"net/netip"
)

// maxServiceWarnings bounds how many services Warnings names one by one.
const maxServiceWarnings = 8

// Warnings returns what is allowed but probably not meant, one line each: what it is, what it
// means and what to do. There are at most maxServiceWarnings+3 lines; nil means none.
func (p *Policy) Warnings() []string {
	var lines []string
	for _, family := range []struct {
		name string
		all  netip.Prefix
	}{
		{"IPv4", netip.PrefixFrom(netip.IPv4Unspecified(), 0)},
		{"IPv6", netip.PrefixFrom(netip.IPv6Unspecified(), 0)},
	} {
		if coversAll(p.Exempt.Prefixes, family.all) {
			lines = append(lines, fmt.Sprintf(
				"exempt.prefixes: covers every %s address, so no %s source is ever limited; list only addresses you trust",
				family.name, family.name))
		}
	}
	return append(lines, p.unlimited()...)
}

// unlimited warns of services without a limit.
func (p *Policy) unlimited() []string {
	var lines []string
	more := 0
	for i := range p.Services {
		s := &p.Services[i]
		if s.Connections.PerSource > 0 {
			continue
		}
		if len(lines) == maxServiceWarnings {
			more++
			continue
		}
		lines = append(lines, fmt.Sprintf(
			"service %q: has no limit, so nothing is enforced for it; set per_source in its [service.connections]", s.Name))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf(
			"and %d more services: have no limit, so nothing is enforced for them; set per_source for each", more))
	}
	return lines
}

// coversAll reports whether the sorted prefixes together hold every address of all, which is the
// whole of one address family. Two halves cover it as well as one prefix of length 0.
func coversAll(prefixes []netip.Prefix, all netip.Prefix) bool {
	next := all.Addr() // the lowest address not yet covered
	for _, p := range prefixes {
		if p.Addr().Is4() != next.Is4() || last(p).Less(next) {
			continue
		}
		if next.Less(p.Addr()) {
			return false
		}
		if next = last(p).Next(); !next.IsValid() {
			return true
		}
	}
	return false
}

// last returns the highest address of a masked prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}
