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
	locally    bool    // a service watches connections to the host's own listeners
	filter     []byte  // selects the ports of those services in the kernel
	onward     *onward // finds the services which watch forwarded connections; nil: none does
	ipv6Source int
	maxSources int
	cpuBudget  int            // thousandths of a core
	finer      []netip.Prefix // exempt IPv6 prefixes longer than ipv6Source
}

// newTarget builds the target of p. A filter that cannot be built is replaced by a coarser one:
// the kernel then reports more sockets, which are sorted out here. The error says so.
func newTarget(p *policy.Policy) (*target, error) {
	t := &target{
		services:   p.Services,
		ipv6Source: p.Observe.IPv6Source,
		maxSources: p.Observe.MaxSources,
		cpuBudget:  p.Observe.CPUBudget,
		onward:     newOnward(p.Services),
	}
	for _, e := range p.Exempt.Prefixes {
		if e.Addr().Is6() && e.Bits() > t.ipv6Source {
			t.finer = append(t.finer, e)
		}
	}
	var ranges []policy.PortRange
	for _, s := range p.Services {
		if s.Traffic.Locally() {
			t.locally = true
			ranges = append(ranges, s.Ports...)
		}
	}
	if !t.locally {
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
