package enforcer

import "ebbgate/policy"

// setSpare times the most sources a decision can name is the size of a set of sources. Renewing an
// element deletes and adds it in one transaction, and the kernel counts both until it commits.
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

// here matches packets to the service's addresses.
func (pt *part) here(f family) clause {
	if len(pt.svc.Addresses) == 0 {
		return toHost()
	}
	return f.to(pt.name("local"+f.suffix), f.bits())
}

// heres match packets to the service's addresses, of one family after the other if they differ.
func (pt *part) heres() []clause {
	if len(pt.svc.Addresses) == 0 {
		return []clause{toHost()}
	}
	var list []clause
	for _, f := range families {
		list = append(list, pt.here(f))
	}
	return list
}

// dispatch returns the rules of a base chain that lead to one of the service's chains while its
// lease lasts.
func (c *compiler) dispatch(pt *part, chain string, match clause) []Rule {
	ports, lease := dport(pt.name("ports")), leased(pt.name(chain+"lease"))
	var rules []Rule
	for _, here := range pt.heres() {
		rules = append(rules, rule(match, ports, here, lease))
	}
	return rules
}

// dispatchAll is dispatch for every packet to the service's ports, established traffic included. The
// chain itself asks whether a packet is for the service's addresses, once it has found its source:
// for all other packets that question would be the dearest.
func (c *compiler) dispatchAll(pt *part, chain string) []Rule {
	return []Rule{rule(dport(pt.name("ports")), leased(pt.name(chain+"lease")))}
}

// leases returns the verdict map that makes one of the service's chains reachable (P2).
func leases(pt *part, chain string, until policy.Instant) Set {
	s := Set{Name: pt.name(chain + "lease"), Key: NFProto, Map: true, Timeout: true, Size: 4 * setSpare}
	for _, f := range families {
		s.Elements = append(s.Elements, Element{Key: familyKey(f.proto), Until: until, Chain: pt.name(chain)})
	}
	return s
}

// size is that of a set with the sources of a census.
func (c *compiler) size() uint32 { return uint32(setSpare * c.policy.Observe.MaxSources) }

// bits is the length of a plain source's prefix.
func (c *compiler) bits(f family) int {
	if f.proto == nfprotoIPv6 {
		return c.policy.Observe.IPv6Source
	}
	return 32
}

// answers reports whether new connections that are turned away get a reset.
func (pt *part) answers() bool {
	return pt.svc.Mode == policy.Enforce && pt.svc.Response.RefuseWith == policy.Reset
}

// silently is the verdict on packets to which no answer is due. In shadow mode the packet, once counted,
// leaves our chain as it would in the other: it is not counted again for another reason.
func silently(pt *part) clause {
	if pt.svc.Mode == policy.Shadow {
		return accept()
	}
	return drop()
}
