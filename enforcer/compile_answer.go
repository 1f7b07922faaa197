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
	c.match(pt, "refuse", nil, sets, c.hit(pt, "refusehit", refused))
}

// hit adds the chain of new connections that are turned away, and returns the jump to it. Resets are sent up
// to so many a second: they are for clients, to whom a time-out is a riddle. Beyond that the reset of each
// SYN would cost as much as a handshake, and tell an attacker at once that he may try again.
func (c *compiler) hit(pt *part, suffix, counter string) clause {
	ch := Chain{Name: pt.name(suffix), Rules: []Rule{rule(counted(counter), silently(pt))}}
	if pt.answers() {
		ch.Rules = []Rule{rule(resets(), counted(counter), resetTCP()), rule(counted(counter), drop())}
	}
	c.out.Chains = append(c.out.Chains, ch)
	return jump(ch.Name)
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
	sets := c.sourceSets(pt, "block", c.blockSize())
	hand := c.placeBlocks(pt, sets)
	c.match(pt, "block", hand, sets, c.blockHit(pt, blocked))
}

// blockHit adds the chain of packets of blocked sources, and returns the jump to it. Here it is asked whether
// they are for the service's addresses: for all other packets that would be the dearest question.
func (c *compiler) blockHit(pt *part, blocked string) clause {
	ch := Chain{Name: pt.name("blockhit")}
	for _, here := range pt.heres() {
		if pt.answers() {
			ch.Rules = append(ch.Rules, rule(opening(), here, resets(), counted(blocked), resetTCP()))
		}
		ch.Rules = append(ch.Rules, rule(here, counted(blocked), silently(pt)))
	}
	c.out.Chains = append(c.out.Chains, ch)
	return jump(ch.Name)
}
