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
	sshGroups  []string      // whose members' sessions matter
	cpuBudget  int           // thousandths of a core
	finer      []finerPrefix // of the policy's exemptions and overrides, those longer than ipv6Source
	exempt     []finerPrefix // of the operator's exemptions, likewise
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
		sshGroups:  p.Exempt.SSHGroups,
	}
	t.finer = t.appendFiner(t.finer, p.Exempt.Prefixes, everyService)
	for i := range p.Services {
		for _, o := range p.Services[i].Overrides {
			t.finer = t.appendFiner(t.finer, []netip.Prefix{o.Prefix}, serviceSet(1)<<i)
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

// appendFiner appends those prefixes whose addresses have to be kept whole: IPv6 ones longer than a
// source.
func (t *target) appendFiner(to []finerPrefix, prefixes []netip.Prefix, services serviceSet) []finerPrefix {
	for _, p := range prefixes {
		if p.Addr().Is6() && p.Bits() > t.ipv6Source {
			to = append(to, finerPrefix{addressOf(p.Masked().Addr()), p.Bits(), services})
		}
	}
	return to
}

// exempting returns a target that is the same but for the operator's exemptions.
func (t *target) exempting(prefixes []netip.Prefix) *target {
	out := *t
	out.exempt = out.appendFiner(nil, prefixes, everyService)
	return &out
}

// empty reports whether there is nothing to watch.
func (t *target) empty() bool { return len(t.services) == 0 }
