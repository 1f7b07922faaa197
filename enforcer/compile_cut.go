package enforcer

import (
	"slices"
	"time"

	"ebbgate/policy"
)

const (
	// priorityCut is behind conntrack (-200), which says whether it knows a packet's connection, before the
	// translation of destinations (-100), so that ports and addresses are those that clients connect to, and
	// before connections are counted: what is cut is not to be counted anew.
	priorityCut = -155

	// goneLife is how long both ends of a cut connection are answered. A client who says nothing for longer
	// finds that the server, which was prodded, knows nothing of the connection. Where no prods can be sent,
	// most servers end a connection that stands still sooner than that.
	goneLife = 5 * time.Minute
	// goneSize bounds the cut connections of each family that are kept so long.
	goneSize = 1 << 17
)

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
// So Closer first puts the client's end of such a connection into the set of what is gone (Table.Mark).
// Packets of these connections that conntrack does not know, and that open none, are answered with a reset:
// those of a client to the service, so that the client knows, and those of a server to the client, so that
// the server frees its socket. A client that opens another connection from the same port is known to
// conntrack from then on, and not touched.
//
// Connections that conntrack does not know for any other reason (it began to track after them, its table
// was flushed, they stood still for longer than it waits) are in no such set, and go on.
func (c *compiler) cut(parts []*part) {
	parts = slices.DeleteFunc(slices.Clone(parts), func(pt *part) bool { return !c.cuts(pt) })
	if len(parts) == 0 {
		return
	}
	in := Chain{Name: "cut", Hook: Prerouting, Priority: priorityCut, Rules: append([]Rule{rule(ctKnown(), accept())}, c.spare()...)}
	for _, f := range c.everywhere.families() {
		in.Rules = append(in.Rules, rule(f.to("exempt"+f.suffix, f.bits()), accept()))
	}
	for _, pt := range parts {
		in.Rules = append(in.Rules, cutClients(pt)...)
	}
	// What comes for the host itself is no server's packet to a client, and what it sends in its own name
	// is no prod.
	in.Rules = append(in.Rules, rule(toHost(), accept()))
	out := Chain{Name: "prod", Hook: Output, Priority: priorityTrack, Rules: []Rule{rule(fromHost(), accept())}}
	for _, f := range families {
		gone := "gone" + f.suffix
		c.out.Sets = append(c.out.Sets, Set{Name: gone, Key: f.endpoint, Life: goneLife, Size: goneSize})
		// Which server a packet comes from is not asked: behind a translation, be it of a published port or of
		// a cluster's address that the policy names, it comes from an address and a port the policy knows
		// nothing of.
		in.Rules = append(in.Rules, rule(underway(), f.toEnd(gone), resetTCP()))
		// Nobody here sends in the names of such clients but our prods and resets. Tracked, they would make an
		// entry, and the server's answer would be taken for one to the client.
		out.Rules = append(out.Rules, rule(f.fromEnd(gone), notrack()))
	}
	c.out.Chains = append(c.out.Chains, in, out)
}

// cutClients returns the answer to the clients of one service.
func cutClients(pt *part) []Rule {
	verdict := drop()
	if pt.answers() {
		verdict = resetTCP()
	}
	var rules []Rule
	for _, f := range families {
		rules = append(rules, rule(underway(), dport(pt.name("ports")), f.fromEnd("gone"+f.suffix), pt.here(f), verdict))
	}
	return rules
}
