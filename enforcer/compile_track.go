package enforcer

import (
	"net/netip"
	"slices"
	"strings"

	"ebbgate/policy"
)

// hold adds what has the kernel count the connections of watched sources and stop them exactly at
// the service's limit.
func (c *compiler) hold(pt *part) {
	held := pt.name("held")
	c.out.Counters = append(c.out.Counters, held)
	c.out.Sets = append(c.out.Sets, leases(pt, "hold", pt.counted))
	chain := c.chain(pt, "hold")
	limit, hit := pt.svc.Connections.PerSource, c.hit(pt, "holdhit", held)
	for _, w := range c.watched(pt) {
		f, bits, watch, conn := w.family, w.bits, w.set.Name, pt.name("conn"+w.family.suffix)
		c.out.Sets = append(c.out.Sets, w.set,
			Set{Name: conn, Key: f.key, Limit: limit, Scope: scope(&c.out, pt.svc.Name), Bits: bits, Size: c.size()})
		chain.Rules = append(chain.Rules, c.parting(pt, f)...)
		chain.Rules = append(chain.Rules,
			rule(opening(), f.from(watch, bits), f.over(conn, bits, limit), hit),
			// A connection older than the rule that was notrack is counted with its next packet,
			// which conntrack takes for its first, but never turned away. One that conntrack knows
			// already is not new and never comes here. The two rules must not both see a packet:
			// the kernel may count a connection twice that is added twice within one tick of its clock.
			rule(underway(), f.from(watch, bits), f.over(conn, bits, limit)))
	}
	c.out.Chains = append(c.out.Chains, chain)
}

// scope says which connections the kernel counts for a service: those to its ports and addresses, as
// the sets of both have them. Those it no longer sees after a change would count for ever, as their end
// goes unseen. Exemptions are no part of it: they change from one turn to the next, and what is exempt
// is asked for before anything is counted.
func scope(r *Ruleset, service string) string {
	var texts []string
	for _, name := range []string{"_ports", "_local4", "_local6"} {
		if s := findSet(r, service+name); s != nil {
			elements := slices.SortedFunc(slices.Values(s.Elements), func(a, b Element) int { return compareKeys(a.Key, b.Key) })
			texts = append(texts, elementList(s, elements, 0, true))
		}
	}
	return strings.Join(texts, " at ")
}

// watchOf returns the name of the set of sources whose connections the set of that name counts.
func watchOf(conn string) string {
	i := strings.LastIndexByte(conn, '_')
	return conn[:i] + strings.Replace(conn[i:], "_conn", "_watch", 1)
}

// watched returns the sets of sources whose connections the kernel counts, by family: plain ones that
// are held to the service's limit, and those near it.
func (c *compiler) watched(pt *part) []sourceSet {
	var sets []sourceSet
	for _, f := range families {
		sets = append(sets, sourceSet{f, c.bits(f), Set{Name: pt.name("watch" + f.suffix), Key: f.key, Timeout: true, Size: c.size()}})
	}
	pt.place(sets, func(yield func(netip.Prefix, policy.Instant) bool) {
		for i := range pt.limits {
			if l := &pt.limits[i]; l.Exact && !yield(l.Source, l.Until) {
				return
			}
		}
		for i := range pt.watched {
			if w := &pt.watched[i]; !yield(w.Source, w.Until) {
				return
			}
		}
	})
	return sets
}

// untrack adds the chains that keep conntrack away from everything but the watched sources. Our
// `ct` rules switch it on for the whole namespace, and where nobody else wants it, the next
// spoofed flood would fill its table and then cost everybody the connection (P2, P6). These
// rules are not leased: with the watched elements gone they leave the namespace as it was.
//
// An exempt address within a watched prefix is tracked like the rest of it, so that the end of what
// the kernel counted for the prefix is seen, whatever is exempted meanwhile.
func (c *compiler) untrack(held []*part) {
	in := Chain{Name: "track", Hook: Prerouting, Priority: priorityTrack, Rules: []Rule{rule(viaLo(false), notrack(), accept())}}
	out := Chain{Name: "reply", Hook: Output, Priority: priorityTrack, Rules: []Rule{rule(viaLo(true), notrack(), accept())}}
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
