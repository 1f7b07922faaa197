package enforcer

import (
	"net/netip"

	"ebbgate/policy"
)

// refuse adds what turns away new connections of sources at their limit.
func (c *compiler) refuse(pt *part) {
	refused := pt.name("refused")
	c.out.Counters = append(c.out.Counters, refused)
	c.out.Sets = append(c.out.Sets, leases(pt, "refuse", pt.until))
	sets := c.sourceSets(pt, "refuse", c.size())
	pt.place(sets, func(yield func(netip.Prefix, policy.Instant) bool) {
		for i := range pt.limits {
			if l := &pt.limits[i]; l.Refuse && !yield(l.Source, l.Until) {
				return
			}
		}
	})
	chain := c.chain(pt, "refuse")
	c.match(pt, &chain, sets, func(s *sourceSet) []Rule {
		return []Rule{rule(s.family.from(s.set.Name, s.bits), counted(refused), turnAway(pt))}
	})
	c.out.Chains = append(c.out.Chains, chain)
}

// block adds what turns away every packet of blocked sources. Each element ends at the block's own
// time, hours away perhaps; what must not outlive the daemon is the way to the chain, whose lease is
// renewed as long as there is a block (P2).
//
// A new connection is answered as the policy says. Other packets get no answer: a reset would be one
// from the middle of a connection, which anybody could ask for in the source's name.
func (c *compiler) block(pt *part) {
	blocked := pt.name("blocked")
	c.out.Counters = append(c.out.Counters, blocked)
	c.out.Sets = append(c.out.Sets, leases(pt, "block", c.decision.At.Add(pt.svc.Response.Lease)))
	sets := c.sourceSets(pt, "block", uint32(setSpare*c.policy.Limits.MaxBlocks))
	c.placeBlocks(pt, sets)
	answers := pt.svc.Mode == policy.Enforce && pt.svc.Response.RefuseWith == policy.Reset
	chain := c.chain(pt, "block")
	c.match(pt, &chain, sets, func(s *sourceSet) []Rule {
		from, here := s.family.from(s.set.Name, s.bits), pt.here(s.family)
		rest := rule(from, here, counted(blocked), silently(pt))
		if !answers {
			return []Rule{rest}
		}
		return []Rule{rule(opening(), from, here, counted(blocked), turnAway(pt)), rest}
	})
	c.out.Chains = append(c.out.Chains, chain)
}
