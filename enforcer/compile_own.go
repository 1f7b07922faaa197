package enforcer

import (
	"net/netip"

	"ebbgate/policy"
)

// overridden returns the prefixes whose sources have limits of their own.
func overridden(svc *policy.Service) []netip.Prefix {
	var list []netip.Prefix
	for _, o := range svc.Overrides {
		list = append(list, o.Prefix)
	}
	return list
}

// finer returns those of them that are longer than a plain IPv6 source of that many bits. Each address
// in one is a source of its own, as a census counts it: it is no part of the plain source around it.
func finer(svc *policy.Service, bits int) []netip.Prefix {
	var list []netip.Prefix
	for _, o := range svc.Overrides {
		if o.Prefix.Addr().Is6() && o.Prefix.Bits() > bits {
			list = append(list, o.Prefix)
		}
	}
	return list
}

// own adds the sets of prefixes whose sources have limits of their own, and so count in no wider
// prefix: what answers that prefix is not for them. Those that are longer than a plain source are in a
// set beside, as what answers the plain source around them is not for them either.
func (c *compiler) own(pt *part) {
	if len(pt.svc.Overrides) == 0 || pt.until == 0 && len(pt.blocks) == 0 {
		return // there is nothing that could be wider
	}
	pt.owned, pt.finer = cover(overridden(pt.svc)), cover(finer(pt.svc, c.policy.Observe.IPv6Source))
	c.ranges(pt.name("own"), pt.owned)
	c.ranges(pt.name("finer"), pt.finer)
}

// parting returns the rule by which addresses that are sources of their own leave a chain before its
// answers to the plain source around them, if there are any.
func (c *compiler) parting(pt *part, f family) []Rule {
	if !pt.finer.has(f) {
		return nil
	}
	return []Rule{rule(f.from(pt.name("finer"+f.suffix), f.bits()), back())}
}

// match adds the sets of an answer, and its chain, which leads what comes from any of them to hit. What the
// operator ordered comes first, for whoever is meant by it. Before the set of plain sources, addresses that are sources of their own leave the chain, and before the first set
// whose prefixes are wider, all sources with limits of their own.
func (c *compiler) match(pt *part, answer string, hand, sets []sourceSet, hit clause) {
	ch := c.chain(pt, answer)
	for i := range hand {
		s := &hand[i]
		ch.Rules = append(ch.Rules, rule(s.family.from(s.set.Name, s.bits), hit))
		c.out.Sets = append(c.out.Sets, s.set)
	}
	for i := range sets {
		s := &sets[i]
		f, plain := s.family, c.bits(s.family)
		switch {
		case s.bits == plain:
			ch.Rules = append(ch.Rules, c.parting(pt, f)...)
		// The lengths of a family come in order, and that of plain sources is one of them.
		case s.bits < plain && sets[i-1].bits == plain && pt.owned.has(f):
			ch.Rules = append(ch.Rules, rule(f.from(pt.name("own"+f.suffix), f.bits()), back()))
		}
		ch.Rules = append(ch.Rules, rule(f.from(s.set.Name, s.bits), hit))
		c.out.Sets = append(c.out.Sets, s.set)
	}
	c.out.Chains = append(c.out.Chains, ch)
}
