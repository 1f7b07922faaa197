package policy

import (
	"fmt"
	"net/netip"
	"slices"
)

// maxServiceWarnings bounds how many services Warnings names one by one.
const maxServiceWarnings = 8

// roomyBlocks is how many blocks the daemon can keep, besides 100,000 sources that are limited at once, in
// the 512 MiB that its unit allows it (MemoryMax).
const roomyBlocks = 200_000

// Warnings returns what is allowed but probably not meant, one line each: what it is, what it
// means and what to do. There are at most 2*maxServiceWarnings+7 lines; nil means none.
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
	if n := p.Limits.MaxBlocks; n > roomyBlocks {
		lines = append(lines, fmt.Sprintf("limits.max_blocks: %d blocks may take more memory than the 512M that "+
			"ebbgate.service allows; raise its MemoryMax, or allow %d at most", n, roomyBlocks))
	}
	return slices.Concat(lines, p.unlimited(), p.overridesExempt(), p.Metrics.exposed(), p.metricsAtService())
}

// unlimited warns of services without a limit.
func (p *Policy) unlimited() []string {
	var lines []string
	more := 0
	for i := range p.Services {
		s := &p.Services[i]
		if s.limited() {
			continue
		}
		if len(lines) == maxServiceWarnings {
			more++
			continue
		}
		lines = append(lines, fmt.Sprintf(
			"service %q: has no limit, so nothing is enforced for it; set per_source in its [service.connections]; "+
				"\"ebbgate suggest\" proposes a value", s.Name))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf(
			"and %d more services: have no limit, so nothing is enforced for them; set per_source for each", more))
	}
	return lines
}

// limited reports whether s has any limit at all.
func (s *Service) limited() bool {
	return s.Connections.PerSource > 0 || len(s.Connections.PerPrefix) > 0 || len(s.Overrides) > 0 ||
		s.Rate.NewPerSource > 0 || s.Rate.SYNPerSource > 0 || s.Capacity > 0
}

// overridesExempt warns of overrides that can never apply: the exemption wins.
func (p *Policy) overridesExempt() []string {
	var lines []string
	more := 0
	exempt := outermost(p.Exempt.Prefixes)
	for i := range p.Services {
		s := &p.Services[i]
		for _, o := range s.Overrides {
			e, ok := containing(exempt, o.Prefix)
			switch {
			case !ok:
			case len(lines) == maxServiceWarnings:
				more++
			default:
				lines = append(lines, fmt.Sprintf("service %q: its override for %s never applies, as %s is in exempt.prefixes "+
					"and the exemption wins; take it out of one of the two", s.Name, o.Prefix, e))
			}
		}
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf(
			"and %d more overrides: never apply, as they lie within exempt.prefixes; take each out of one of the two", more))
	}
	return lines
}

// outermost returns those of the sorted prefixes that lie in no other one.
func outermost(prefixes []netip.Prefix) []netip.Prefix {
	var outer []netip.Prefix
	for _, p := range prefixes {
		if n := len(outer); n == 0 || !outer[n-1].Contains(p.Addr()) {
			outer = append(outer, p)
		}
	}
	return outer
}

// containing returns the one of the sorted prefixes, none of which lies in another, that contains
// the whole of p.
func containing(outer []netip.Prefix, p netip.Prefix) (netip.Prefix, bool) {
	i, _ := slices.BinarySearchFunc(outer, p.Addr(), func(e netip.Prefix, addr netip.Addr) int {
		if e.Addr().Compare(addr) <= 0 {
			return -1
		}
		return 1
	})
	if i == 0 || outer[i-1].Bits() > p.Bits() || !outer[i-1].Contains(p.Addr()) {
		return netip.Prefix{}, false
	}
	return outer[i-1], true
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
