package policy

import (
	"net/netip"
	"slices"
)

// allowance is what one source may do at one service, and which keys say so.
type allowance struct {
	held     int // connections at once; 0: no limit
	rule     string
	fresh    int // completed connections a second; 0: no limit
	freshBy  string
	override bool // it has limits of its own
}

// allow returns the allowance of a source, given the index of its override, or -1.
func (s *Service) allow(override int) allowance {
	a := allowance{held: s.Connections.PerSource, rule: rulePerSource, fresh: s.Rate.NewPerSource, freshBy: ruleNew}
	if override < 0 {
		return a
	}
	o := &s.Overrides[override]
	a.override = true
	if o.PerSource > 0 {
		a.held, a.rule = o.PerSource, ruleOverride
	}
	if o.NewPerSource > 0 {
		a.fresh, a.freshBy = o.NewPerSource, ruleOverrideNew
	}
	return a
}

// allowances finds the override of each of a sequence of sources that is sorted by ComparePrefix, and
// remembers those that have one.
type allowances struct {
	service *Service
	nest    nest
	index   []int // of the sorted prefixes in Service.Overrides
	found   map[netip.Prefix]int
}

func newAllowances(s *Service) allowances {
	a := allowances{service: s, found: make(map[netip.Prefix]int)}
	if len(s.Overrides) == 0 {
		return a
	}
	list := make([]netip.Prefix, len(s.Overrides))
	at := make(map[netip.Prefix]int, len(list))
	for i := range s.Overrides {
		list[i] = s.Overrides[i].Prefix
		at[list[i]] = i
	}
	a.nest = newNest(list)
	for _, p := range a.nest.list {
		a.index = append(a.index, at[p])
	}
	return a
}

// of returns the allowance of a source. From call to call sources must not go back.
func (a *allowances) of(source netip.Prefix) allowance {
	if a.index == nil {
		return a.service.allow(-1)
	}
	if i := a.nest.longest(source); i >= 0 {
		a.found[source] = a.index[i]
		return a.service.allow(a.index[i])
	}
	return a.service.allow(-1)
}

// peek is of without remembering anything.
func (a *allowances) peek(source netip.Prefix) allowance {
	if a.index == nil {
		return a.service.allow(-1)
	}
	if i := a.nest.longest(source); i >= 0 {
		return a.service.allow(a.index[i])
	}
	return a.service.allow(-1)
}

// Allowed returns how many connections a source may hold and how many it may open a second, with the
// keys that say so; 0 is no limit.
func (s *Service) Allowed(source netip.Prefix) (held int, rule string, fresh int, freshRule string) {
	a := s.allow(slices.IndexFunc(s.Overrides, func(o Override) bool {
		return o.Prefix.Bits() <= source.Bits() && o.Prefix.Contains(source.Addr())
	}))
	return a.held, a.rule, a.fresh, a.freshBy
}

// Lengths returns the prefix lengths by which sources of a family can be answered at the service: that
// of a source, that of a single IPv6 address, those of connections.per_prefix, and that of the fair
// share, the longest first.
func (s *Service) Lengths(p *Policy, ipv6 bool) []int {
	lengths := []int{32}
	if ipv6 {
		lengths = []int{128, p.Observe.IPv6Source}
	}
	for _, l := range s.Connections.PerPrefix {
		if l.IPv6 == ipv6 {
			lengths = append(lengths, l.Bits)
		}
	}
	if s.Capacity > 0 {
		lengths = append(lengths, shareBits(p, ipv6))
	}
	slices.SortFunc(lengths, func(a, b int) int { return b - a })
	return slices.Compact(lengths)
}

// shareBits is the length of the prefixes that share a service's capacity.
func shareBits(p *Policy, ipv6 bool) int {
	if ipv6 {
		return min(48, p.Observe.IPv6Source)
	}
	return 24
}
