package policy

import (
	"net/netip"
	"slices"
)

// duplicateNames adds a problem for each service whose name an earlier one has.
func (p *parser) duplicateNames(services []placedService) {
	first := make(map[string]string, len(services))
	for i := range services {
		s := &services[i]
		if s.Name == "" {
			continue
		}
		if earlier, ok := first[s.Name]; ok {
			p.problem(s.path+".name", "%s is already the name of the service on line %d, must be unique",
				quote(s.Name), p.at.line(earlier))
			continue
		}
		first[s.Name] = s.path
	}
}

// overlapBetween adds a problem for each pair of services that share a port and an address: a
// connection must count for one service only.
func (p *parser) overlapBetween(services []placedService) {
	for j := range services {
		for i := range j {
			a, b := &services[i], &services[j]
			where, ok := sharedAddress(a, b)
			if !ok {
				continue
			}
			theirs, ours, ok := sharedPorts(a.ranges, b.ranges)
			if !ok {
				continue
			}
			p.problem(joinIndex(b.path+".ports", ours.index),
				"%v on %s overlaps %v of service %s (line %d), give each its own ports or its own addresses",
				ours, where, theirs, a.label(), p.at.line(joinIndex(a.path+".ports", theirs.index)))
		}
	}
}

// sharedAddress reports whether an address can belong to both services, and names it. A service
// whose addresses could not all be read shares none, so that one mistake is reported once.
func sharedAddress(a, b *placedService) (string, bool) {
	switch {
	case !a.addressed || !b.addressed:
		return "", false
	case len(a.Addresses) == 0 && len(b.Addresses) == 0:
		return "all addresses", true
	case len(a.Addresses) == 0:
		return b.Addresses[0].String(), true
	case len(b.Addresses) == 0:
		return a.Addresses[0].String(), true
	}
	for _, addr := range a.Addresses {
		if _, ok := slices.BinarySearchFunc(b.Addresses, addr, netip.Addr.Compare); ok {
			return addr.String(), true
		}
	}
	return "", false
}

// sharedPorts returns the first ranges of two sorted lists that meet.
func sharedPorts(a, b []placedRange) (inA, inB placedRange, ok bool) {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Last < b[0].First:
			a = a[1:]
		case b[0].Last < a[0].First:
			b = b[1:]
		default:
			return a[0], b[0], true
		}
	}
	return placedRange{}, placedRange{}, false
}
