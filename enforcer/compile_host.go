package enforcer

import (
	"net/netip"
	"slices"
)

// exempt adds the sets of exempt addresses. Overlapping and adjacent prefixes are merged: the
// kernel refuses overlapping ranges.
func (c *compiler) exempt() {
	for _, f := range families {
		s := Set{Name: "exempt" + f.suffix, Key: f.key, Interval: true}
		for _, r := range merge(c.policy.Exempt.Prefixes, f) {
			s.Elements = append(s.Elements, Element{Key: addrKey(r.first), End: addrKey(r.last)})
		}
		c.out.Sets = append(c.out.Sets, s)
	}
}

// spare returns the first rules of every base chain: the host itself, by the interface lo, and
// exempt addresses leave it (P4).
func (c *compiler) spare(output bool) []Rule { return c.spareWith(output, accept()) }

func (c *compiler) spareWith(output bool, verdicts ...clause) []Rule {
	rules := []Rule{rule(append([]clause{viaLo(output)}, verdicts...)...)}
	for _, f := range families {
		match := f.from("exempt"+f.suffix, int(f.length)*8)
		if output {
			match = f.to("exempt"+f.suffix, int(f.length)*8)
		}
		rules = append(rules, rule(append([]clause{match}, verdicts...)...))
	}
	return rules
}

// untrack adds the chains that keep conntrack away from everything but the watched sources. Our
// `ct` rules switch it on for the whole namespace, and where nobody else wants it, the next
// spoofed flood would fill its table and then cost everybody the connection (P2, P6). These
// rules are not leased: with the watched elements gone they leave the namespace as it was.
//
// Exempt addresses are untracked, not tracked: an exempt address can be forged.
func (c *compiler) untrack(held []*part) {
	in := Chain{Name: "track", Hook: Prerouting, Priority: priorityTrack, Rules: c.spareWith(false, notrack(), accept())}
	out := Chain{Name: "reply", Hook: Output, Priority: priorityTrack, Rules: c.spareWith(true, notrack(), accept())}
	for _, pt := range held {
		for _, f := range families {
			watch, ports := pt.name("watch"+f.suffix), pt.name("ports")
			in.Rules = append(in.Rules, rule(dport(ports), f.from(watch, c.bits(f)), accept()))
			out.Rules = append(out.Rules, rule(sport(ports), f.to(watch, c.bits(f)), accept()))
		}
	}
	in.Rules = append(in.Rules, rule(notrack()))
	out.Rules = append(out.Rules, rule(notrack()))
	c.out.Chains = append(c.out.Chains, in, out)
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
