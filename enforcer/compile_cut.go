package enforcer

import (
	"cmp"
	"slices"

	"ebbgate/policy"
)

// priorityCut is behind conntrack (-200), which says whether it knows a packet's connection, before the
// translation of destinations (-100), so that ports and addresses are those that clients connect to, and
// before connections are counted: what is cut is not to be counted anew.
const priorityCut = -155

// cuts reports whether forwarded connections of the service may be cut. There are some to be seen only
// where another table uses conntrack. In shadow mode nothing is cut.
func (c *compiler) cuts(pt *part) bool {
	return c.env.OthersTrack && pt.svc.Mode == policy.Enforce && pt.svc.Traffic.Onward() &&
		(len(pt.blocks) > 0 || len(pt.limits) > 0 && pt.svc.Connections.CloseExcess)
}

// cut adds what makes an end of forwarded connections whose entries Closer has conntrack forget. By
// itself that would end nothing: conntrack takes a connection up again with its next packet, and
// translates it as before (nf_conntrack_tcp_loose, which is on unless somebody turned it off).
//
// So packets of turned away sources that belong to no connection conntrack knows, and open none, are
// answered with a reset: those of a client to the service, so that the client knows, and those of a server
// to such a client, so that the server frees its socket. Whatever conntrack knows passes, which are all
// the connections that such a source may keep.
//
// A connection of such a source, to whatever server behind, that conntrack has lost for another reason
// (its table was flushed) meets the same end. Connections of other sources are never asked for.
func (c *compiler) cut(parts []*part) {
	parts = slices.DeleteFunc(slices.Clone(parts), func(pt *part) bool { return !c.cuts(pt) })
	if len(parts) == 0 {
		return
	}
	in := Chain{Name: "cut", Hook: Prerouting, Priority: priorityCut, Rules: append([]Rule{rule(ctKnown(), accept())}, c.spare()...)}
	for _, f := range c.everywhere.families() {
		in.Rules = append(in.Rules, rule(f.to("exempt"+f.suffix, f.bits()), accept()))
	}
	out := Chain{Name: "prod", Hook: Output, Priority: priorityTrack, Rules: []Rule{rule(fromHost(), accept())}}
	for _, pt := range parts {
		if pt.until != 0 {
			c.cutClients(pt, &in)
		}
	}
	// What comes for the host itself is no server's packet to a client, and what it sends in its own name
	// is no prod, even where a prefix that is turned away covers the host's own address.
	in.Rules = append(in.Rules, rule(toHost(), accept()))
	for _, pt := range parts {
		c.cutServers(pt, &in, &out)
	}
	c.out.Chains = append(c.out.Chains, in, out)
}

// cutClients adds the answer to clients that are limited. Whatever blocked ones send is dropped before.
func (c *compiler) cutClients(pt *part, in *Chain) {
	c.out.Sets = append(c.out.Sets, leases(pt, "cut", c.decision.At.Add(pt.svc.Response.Lease)))
	in.Rules = append(in.Rules, rule(underway(), dport(pt.name("ports")), leased(pt.name("cutlease"))))
	ch, verdict := Chain{Name: pt.name("cut")}, drop()
	if pt.answers() {
		verdict = resetTCP()
	}
	for _, s := range c.partings(pt, c.sourceSets(pt, "refuse", 0), family.from) {
		ch.Rules = append(ch.Rules, s.before...)
		ch.Rules = append(ch.Rules, rule(s.family.from(s.set.Name, s.bits), pt.here(s.family), verdict))
	}
	c.out.Chains = append(c.out.Chains, ch)
}

// cutServers adds the answer to servers, and keeps conntrack from what is sent to them in the names of
// such clients. Nobody here does that but our prods and resets. Tracked, they would make an entry, and
// the server's answer would be taken for one to the client.
//
// Which server a packet comes from is not asked: behind a translation, be it of a published port or of a
// cluster's address that the policy names, it comes from an address and a port the policy knows nothing of.
func (c *compiler) cutServers(pt *part, in, out *Chain) {
	c.out.Sets = append(c.out.Sets, leases(pt, "free", c.decision.At.Add(pt.svc.Response.Lease)))
	in.Rules = append(in.Rules, rule(underway(), leased(pt.name("freelease"))))
	ch := Chain{Name: pt.name("free")}
	for _, s := range c.partings(pt, c.turnedAway(pt), family.to) {
		ch.Rules = append(ch.Rules, s.before...)
		ch.Rules = append(ch.Rules, rule(s.family.to(s.set.Name, s.bits), resetTCP()))
		out.Rules = append(out.Rules, rule(s.family.from(s.set.Name, s.bits), notrack()))
	}
	c.out.Chains = append(c.out.Chains, ch)
}

// turnedAway returns the sets of the sources whose packets or new connections are turned away.
func (c *compiler) turnedAway(pt *part) []sourceSet {
	var sets []sourceSet
	if len(pt.blocks) > 0 {
		sets = append(sets, c.sourceSets(pt, "block", 0)...)
	}
	if pt.until != 0 {
		sets = append(sets, c.sourceSets(pt, "refuse", 0)...)
	}
	return sets
}

// partedSet is a set of sources and the rules by which others leave its chain before it.
type partedSet struct {
	sourceSet
	before []Rule
}

// partings says what must leave a chain before each of the sets, as match does: what is exempt from the
// service first, addresses that are sources of their own before the plain sources, and all sources with
// limits of their own before the wider ones. The sources are the given end of a packet.
func (c *compiler) partings(pt *part, sets []sourceSet, end func(f family, set string, bits int) clause) []partedSet {
	sets = slices.Clone(sets)
	slices.SortStableFunc(sets, func(a, b sourceSet) int {
		return cmp.Or(cmp.Compare(a.family.proto, b.family.proto), cmp.Compare(b.bits, a.bits))
	})
	leave := func(p *partedSet, set string) {
		f := p.family
		p.before = append(p.before, rule(end(f, pt.name(set+f.suffix), f.bits()), back()))
	}
	out := make([]partedSet, 0, len(sets))
	plain, wider := true, true
	for i, s := range sets {
		p := partedSet{sourceSet: s}
		if i == 0 || sets[i-1].family != s.family {
			plain, wider = true, true
			if pt.exempt.has(s.family) {
				leave(&p, "exempt")
			}
		}
		if plain && s.bits <= c.bits(s.family) && pt.finer.has(s.family) {
			plain = false
			leave(&p, "finer")
		}
		if wider && s.bits < c.bits(s.family) && pt.owned.has(s.family) {
			wider = false
			leave(&p, "own")
		}
		out = append(out, p)
	}
	return out
}
