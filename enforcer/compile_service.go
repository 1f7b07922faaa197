package enforcer

import (
	"fmt"
	"net/netip"

	"ebbgate/policy"
)

// setSpare times observe.max_sources is the size of a set of sources. Renewing an element
// deletes and adds it in one transaction, and the kernel counts both until it commits.
const setSpare = 2

// ports adds the sets that tell which packets are a service's.
func (c *compiler) ports(pt *part) {
	ports := Set{Name: pt.name("ports"), Key: InetService, Interval: true}
	for _, r := range pt.svc.Ports {
		ports.Elements = append(ports.Elements, Element{Key: portKey(r.First), End: portKey(r.Last)})
	}
	c.out.Sets = append(c.out.Sets, ports)
	for _, f := range families {
		c.local(pt, f)
	}
}

// service adds the counters, sets and chains that hold a service's sources to their limits.
func (c *compiler) service(pt *part) {
	c.out.Counters = append(c.out.Counters, pt.name("refused"))
	c.out.Sets = append(c.out.Sets, leases(pt, "refuse", pt.until))
	refuse := Chain{Name: pt.name("refuse")}
	hold := Chain{Name: pt.name("hold")}
	for _, f := range families {
		bits := c.bits(f)
		name := pt.name("refuse" + f.suffix)
		c.out.Sets = append(c.out.Sets, c.refused(name, f, pt))
		refuse.Rules = append(refuse.Rules, rule(append([]clause{f.from(name, bits), counted(pt.name("refused"))}, verdict(pt)...)...))
		if !pt.holds() {
			continue
		}
		limit := pt.svc.Connections.PerSource
		watch, conn := pt.name("watch"+f.suffix), pt.name("conn"+f.suffix)
		c.out.Sets = append(c.out.Sets, c.watched(watch, f, pt),
			Set{Name: conn, Key: f.key, Limit: limit, Scope: c.scope(pt), Size: c.size()})
		hold.Rules = append(hold.Rules,
			rule(opening(), f.from(watch, bits), f.over(conn, bits, limit), counted(pt.name("held")), verdict(pt)[0]),
			// A connection older than the rule is counted when its next packet comes by, but
			// never turned away. The two rules must not both see a packet: the kernel may count
			// a connection twice that is added twice within one tick of its clock.
			rule(underway(), f.from(watch, bits), f.over(conn, bits, limit)))
	}
	c.out.Chains = append(c.out.Chains, refuse)
	if pt.holds() {
		c.out.Counters = append(c.out.Counters, pt.name("held"))
		c.out.Sets = append(c.out.Sets, leases(pt, "hold", pt.until))
		c.out.Chains = append(c.out.Chains, hold)
	}
}

// scope says which connections the kernel counts for a service. Those it no longer sees after a
// change would count for ever, as their end goes unseen.
func (c *compiler) scope(pt *part) string {
	return fmt.Sprint(pt.svc.Ports, pt.svc.Addresses, c.policy.Exempt.Prefixes)
}

// dispatch returns the rules of a base chain that lead to one of the service's chains while its
// lease lasts.
func (c *compiler) dispatch(pt *part, chain string, match clause) []Rule {
	ports, lease := dport(pt.name("ports")), leased(chain+"lease")
	if len(pt.svc.Addresses) == 0 {
		return []Rule{rule(match, ports, toHost(), lease)}
	}
	var rules []Rule
	for _, f := range families {
		rules = append(rules, rule(match, ports, f.to(pt.name("local"+f.suffix), int(f.length)*8), lease))
	}
	return rules
}

// local adds the set of the service's own addresses, if it does not listen on all.
func (c *compiler) local(pt *part, f family) {
	if len(pt.svc.Addresses) == 0 {
		return
	}
	s := Set{Name: pt.name("local" + f.suffix), Key: f.key, Interval: true}
	for _, a := range pt.svc.Addresses {
		if f.of(a) {
			s.Elements = append(s.Elements, Element{Key: addrKey(a), End: addrKey(a)})
		}
	}
	c.out.Sets = append(c.out.Sets, s)
}

// leases returns the verdict map that makes one of the service's chains reachable (P2).
func leases(pt *part, chain string, until policy.Instant) Set {
	s := Set{Name: pt.name(chain + "lease"), Key: NFProto, Map: true, Timeout: true, Size: 4 * setSpare}
	for _, f := range families {
		s.Elements = append(s.Elements, Element{Key: familyKey(f.proto), Until: until, Chain: pt.name(chain)})
	}
	return s
}

// refused returns the set of sources whose new connections are turned away.
func (c *compiler) refused(name string, f family, pt *part) Set {
	s := Set{Name: name, Key: f.key, Timeout: true, Size: c.size(), Elements: make([]Element, 0, len(pt.limits))}
	for i := range pt.limits {
		if l := &pt.limits[i]; l.Refuse {
			s.Elements = c.source(s.Elements, f, l.Source, l.Until)
		}
	}
	return s
}

// watched returns the set of sources whose connections the kernel counts: all that are limited,
// and those near their limit.
func (c *compiler) watched(name string, f family, pt *part) Set {
	s := Set{Name: name, Key: f.key, Timeout: true, Size: c.size(), Elements: make([]Element, 0, len(pt.limits)+len(pt.watched))}
	for i := range pt.limits {
		s.Elements = c.source(s.Elements, f, pt.limits[i].Source, pt.limits[i].Until)
	}
	for i := range pt.watched {
		s.Elements = c.source(s.Elements, f, pt.watched[i].Source, pt.watched[i].Until)
	}
	return s
}

// source adds a source to a set of its family. Exempt ones are left out: Step never asks for
// them, and P4 is checked twice.
func (c *compiler) source(list []Element, f family, source netip.Prefix, until policy.Instant) []Element {
	if !f.of(source.Addr()) || source.Bits() != c.bits(f) || policy.Covers(c.policy.Exempt.Prefixes, source) {
		return list
	}
	return append(list, Element{Key: addrKey(source.Addr()), Until: until})
}

func (c *compiler) size() uint32 { return uint32(setSpare * c.policy.Observe.MaxSources) }

// bits is the length of a source's prefix.
func (c *compiler) bits(f family) int {
	if f.proto == nfprotoIPv6 {
		return c.policy.Observe.IPv6Source
	}
	return 32
}

// verdict turns a new connection away, or lets it pass once counted in shadow mode.
func verdict(pt *part) []clause {
	switch {
	case pt.svc.Mode == policy.Shadow:
		return nil
	case pt.svc.Response.RefuseWith == policy.Drop:
		return []clause{drop()}
	}
	return []clause{resetTCP()}
}
