package observer

import (
	"net/netip"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// target is what a policy asks to be watched. It is immutable, so that a tick and a census can use
// it side by side while a reload puts another in its place.
type target struct {
	services   []policy.Service
	filter     []byte // selects the services' ports in the kernel
	ipv6Source int
	maxSources int
	finer      []netip.Prefix // exempt IPv6 prefixes longer than ipv6Source
}

// newTarget builds the target of p. A filter that cannot be built is replaced by a coarser one:
// the kernel then reports more sockets, which are sorted out here. The error says so.
func newTarget(p *policy.Policy) (*target, error) {
	t := &target{
		services:   p.Services,
		ipv6Source: p.Observe.IPv6Source,
		maxSources: p.Observe.MaxSources,
	}
	for _, e := range p.Exempt.Prefixes {
		if e.Addr().Is6() && e.Bits() > t.ipv6Source {
			t.finer = append(t.finer, e)
		}
	}
	var ranges []policy.PortRange
	for _, s := range p.Services {
		ranges = append(ranges, s.Ports...)
	}
	if len(ranges) == 0 {
		return t, nil
	}
	var err error
	if t.filter, err = inetdiag.PortFilter(ranges); err != nil {
		t.filter = nil
	}
	return t, err
}

// empty reports whether there is nothing to watch.
func (t *target) empty() bool { return len(t.services) == 0 }
