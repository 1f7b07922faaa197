package enforcer

import (
	"encoding/binary"
	"net/netip"

	"ebbgate/policy"
)

// setSpare times observe.max_sources is the size of a set of sources. Renewing an element
// deletes and adds it in one transaction, and the kernel counts both until it commits.
const setSpare = 2

// service adds the counters, sets and chains of one service.
func (c *compiler) service(pt *part) {
	ports := Set{Name: pt.name("ports"), Key: InetService, Interval: true}
	for _, r := range pt.svc.Ports {
		ports.Elements = append(ports.Elements, Element{Key: portKey(r.First), End: portKey(r.Last)})
	}
	c.out.Counters = append(c.out.Counters, pt.name("refused"))
	c.out.Sets = append(c.out.Sets, ports, leases(pt, "refuse"))
	refuse := Chain{Name: pt.name("refuse")}
	hold := Chain{Name: pt.name("hold")}
	for _, f := range families {
		c.local(pt, f)
		bits := c.bits(f)
		name := pt.name("refuse" + f.suffix)
		c.out.Sets = append(c.out.Sets, c.sources(name, f, pt.refusals()))
		refuse.Rules = append(refuse.Rules, rule(append([]clause{f.from(name, bits), counted(pt.name("refused"))}, verdict(pt)...)...))
		if !pt.holds() {
			continue
		}
		limit := pt.svc.Connections.PerSource
		watch, conn := pt.name("watch"+f.suffix), pt.name("conn"+f.suffix)
		c.out.Sets = append(c.out.Sets, c.sources(watch, f, pt.watched),
			Set{Name: conn, Key: f.key, Limit: limit, Size: c.size()})
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
		c.out.Sets = append(c.out.Sets, leases(pt, "hold"))
		c.out.Chains = append(c.out.Chains, hold)
	}
}

// dispatch returns the rules of a base chain that lead to one of the service's chains while its
// lease lasts.
func (c *compiler) dispatch(pt *part, chain string, match clause) []Rule {
	ports, lease := dport(pt.name("ports")), leased(chain+"lease")
	if len(pt.svc.Addresses) == 0 {
		return []Rule{rule(match, ports, lease)}
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
func leases(pt *part, chain string) Set {
	s := Set{Name: pt.name(chain + "lease"), Key: NFProto, Map: true, Timeout: true, Size: 4 * setSpare}
	for _, f := range families {
		s.Elements = append(s.Elements, Element{Key: string(f.proto), Until: pt.until, Chain: pt.name(chain)})
	}
	return s
}

// sources returns a set of leased sources of one family.
func (c *compiler) sources(name string, f family, list []policy.Watched) Set {
	s := Set{Name: name, Key: f.key, Timeout: true, Size: c.size()}
	for _, w := range list {
		if f.of(w.Source.Addr()) && w.Source.Bits() == c.bits(f) {
			s.Elements = append(s.Elements, Element{Key: addrKey(w.Source.Addr()), Until: w.Until})
		}
	}
	return s
}

func (c *compiler) size() uint32 { return uint32(setSpare * c.policy.Observe.MaxSources) }

// bits is the length of a source's prefix.
func (c *compiler) bits(f family) int {
	if f.proto == nfprotoIPv6 {
		return c.policy.Observe.IPv6Source
	}
	return 32
}

// refusals returns the refused sources in the form sources takes.
func (pt *part) refusals() []policy.Watched {
	list := make([]policy.Watched, len(pt.refused))
	for i, l := range pt.refused {
		list[i] = policy.Watched{Source: l.Source, Until: l.Until}
	}
	return list
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

func portKey(p uint16) string { return string(binary.BigEndian.AppendUint16(nil, p)) }

func addrKey(a netip.Addr) string { return string(a.AsSlice()) }
