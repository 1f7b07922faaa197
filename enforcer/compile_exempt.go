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
func everywhere(p *policy.Policy, d *policy.Decision) []netip.Prefix {
	return slices.Concat(p.Exempt.Prefixes, exemptions(d, ""))
}

// exempt adds the sets of exempt addresses.
func (c *compiler) exempt() {
	for _, f := range families {
		c.out.Sets = append(c.out.Sets, ranges("exempt"+f.suffix, f, c.everywhere))
	}
}

// exemptPart adds the sets of what is exempt from one service only, if there is anything.
func (c *compiler) exemptPart(pt *part) {
	if len(pt.exempt) == 0 {
		return
	}
	for _, f := range families {
		c.out.Sets = append(c.out.Sets, ranges(pt.name("exempt"+f.suffix), f, pt.exempt))
	}
}

// chain begins one of a service's chains: what is exempt from the service leaves it first (P4).
func (c *compiler) chain(pt *part, suffix string) Chain {
	ch := Chain{Name: pt.name(suffix)}
	if len(pt.exempt) == 0 {
		return ch
	}
	for _, f := range families {
		ch.Rules = append(ch.Rules, rule(f.from(pt.name("exempt"+f.suffix), f.bits()), back()))
	}
	return ch
}

// administered reports whether administrators are exempt on sshd's ports at present.
func (c *compiler) administered() bool {
	return len(c.decision.SSH.Ports) > 0 && len(c.decision.SSH.Admins) > 0
}

// admins adds the sets of sshd's ports and of the administrators' addresses.
func (c *compiler) admins() {
	if !c.administered() {
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
	var list []netip.Prefix
	for _, a := range c.decision.SSH.Admins {
		list = append(list, netip.PrefixFrom(a, a.BitLen()))
	}
	for _, f := range families {
		c.out.Sets = append(c.out.Sets, ranges("admins"+f.suffix, f, list))
	}
}

// spare returns the first rules of every base chain that turns packets away: the host itself, by the
// interface lo, exempt addresses, and administrators on sshd's ports leave it (P4).
func (c *compiler) spare() []Rule {
	rules := []Rule{rule(viaLo(false), accept())}
	for _, f := range families {
		rules = append(rules, rule(f.from("exempt"+f.suffix, f.bits()), accept()))
	}
	if c.administered() {
		for _, f := range families {
			rules = append(rules, rule(dport("sshports"), f.from("admins"+f.suffix, f.bits()), accept()))
		}
	}
	return rules
}

// ranges returns the set of one family's addresses within any of the prefixes. Overlapping and
// adjacent ones are merged: the kernel refuses overlapping ranges.
func ranges(name string, f family, prefixes []netip.Prefix) Set {
	s := Set{Name: name, Key: f.key, Interval: true}
	for _, r := range merge(prefixes, f) {
		s.Elements = append(s.Elements, Element{Key: addrKey(r.first), End: addrKey(r.last)})
	}
	return s
}

// span is an inclusive range of addresses.
type span struct{ first, last netip.Addr }

// merge returns the prefixes of one family as sorted ranges that neither overlap nor touch.
func merge(prefixes []netip.Prefix, f family) []span {
	var spans []span
	for _, p := range prefixes {
		if f.of(p.Addr()) {
			spans = append(spans, span{p.Masked().Addr(), lastAddr(p)})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.first.Compare(b.first) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 {
			// Next of the last address of all is the zero Addr, which is less than any other.
			if end := out[n-1].last; s.first.Compare(end) <= 0 || s.first == end.Next() {
				if s.last.Compare(end) > 0 {
					out[n-1].last = s.last
				}
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// lastAddr returns the highest address of a prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i, m := range mask(len(b), p.Bits()) {
		b[i] |= ^m
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
