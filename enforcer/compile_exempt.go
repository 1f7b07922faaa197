package enforcer

import (
	"net/netip"
	"slices"

	"ebbgate/policy"
)

// exemptions returns the prefixes the operator has exempted from one service, or with the empty name
// from all. Those whose time is over are left out.
func exemptions(d *policy.Decision, service string) []netip.Prefix {
	var list []netip.Prefix
	for _, e := range d.Exempt {
		if e.Service == service && (e.Until == 0 || e.Until > d.At) {
			list = append(list, e.Prefix)
		}
	}
	return list
}

// everywhere returns what is exempt from all services, by the policy and by the operator.
func everywhere(p *policy.Policy, d *policy.Decision) coverage {
	return cover(slices.Concat(p.Exempt.Prefixes, exemptions(d, "")))
}

// chain begins one of a service's chains: what is exempt from the service leaves it first (P4).
func (c *compiler) chain(pt *part, suffix string) Chain {
	ch := Chain{Name: pt.name(suffix)}
	for _, f := range pt.exempt.families() {
		ch.Rules = append(ch.Rules, rule(f.from(pt.name("exempt"+f.suffix), f.bits()), back()))
	}
	return ch
}

// administrators returns the administrators' addresses, if there is a port on which they are exempt.
func administrators(d *policy.Decision) coverage {
	if len(d.SSH.Ports) == 0 {
		return coverage{}
	}
	var list []netip.Prefix
	for _, a := range d.SSH.Admins {
		list = append(list, netip.PrefixFrom(a, a.BitLen()))
	}
	return cover(list)
}

// ssh adds the sets of sshd's ports and of the administrators' addresses, if there are both.
func (c *compiler) ssh() {
	if len(c.administrators.families()) == 0 {
		return
	}
	ports := Set{Name: "sshports", Key: InetService, Interval: true}
	for _, p := range slices.Compact(slices.Sorted(slices.Values(c.decision.SSH.Ports))) {
		if n := len(ports.Elements); n > 0 && ports.Elements[n-1].End.port()+1 == p {
			ports.Elements[n-1].End = portKey(p) // ranges must not touch any more than overlap
			continue
		}
		ports.Elements = append(ports.Elements, Element{Key: portKey(p), End: portKey(p)})
	}
	c.out.Sets = append(c.out.Sets, ports)
	c.ranges("admins", c.administrators)
}

// spare returns the first rules of every base chain that turns packets away: the host itself, by the
// interface lo, exempt addresses, and administrators on sshd's ports leave it (P4).
func (c *compiler) spare() []Rule {
	rules := []Rule{rule(viaLo(false), accept())}
	for _, f := range c.everywhere.families() {
		rules = append(rules, rule(f.from("exempt"+f.suffix, f.bits()), accept()))
	}
	for _, f := range c.administrators.families() {
		rules = append(rules, rule(dport("sshports"), f.from("admins"+f.suffix, f.bits()), accept()))
	}
	return rules
}

// ranges adds the sets of the families' ranges. A family without any has no set, and no rule that asks for
// it: every packet would have to be looked up.
func (c *compiler) ranges(name string, of coverage) {
	for i, f := range families {
		if len(of[i]) > 0 {
			c.out.Sets = append(c.out.Sets, ranges(name+f.suffix, f, of[i]))
		}
	}
}

// ranges returns the set of one family's ranges, which are merged: the kernel refuses overlapping ones.
func ranges(name string, f family, spans []span) Set {
	s := Set{Name: name, Key: f.key, Interval: true}
	for _, r := range spans {
		s.Elements = append(s.Elements, Element{Key: addrKey(r.first), End: addrKey(r.last)})
	}
	return s
}
