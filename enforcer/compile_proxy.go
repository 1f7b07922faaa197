package enforcer

import (
	"slices"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"

	"ebbgate/policy"
)

// SYNPROXY takes a handshake apart. The SYN is answered at the very end of input, once every filter of the
// host has let it through: conntrack has seen it by then, but keeps an entry only of what reaches the end.
// The client's ACK, which conntrack knows nothing of and most filters would drop, is taken before them. It
// proves that the SYN was let through, as the cookie in it is the answer to that SYN.
//
// Both look whom the packet is for: only a listener's handshakes are taken apart. What conntrack does not
// know may as well be of a connection that is older than it, or than its memory.
//
// The common way, notrack and one rule before the filters, answers clients whom the host's own filter
// refuses, and opens their connections from the interface lo, which filters trust (measured).
const (
	priorityComplete = -310
	priorityOffer    = 290 // before conntrack's helpers at 300
)

// Bits of an entry's status (enum ip_conntrack_status of linux/netfilter/nf_conntrack_common.h).
const ipsNAT = 1<<4 | 1<<5 // IPS_SRC_NAT | IPS_DST_NAT

// proxies returns what a decision says about SYNPROXY for a service, or nil. The expression switches
// conntrack on, so there is none where nobody else does.
func (c *compiler) proxies(svc *policy.Service) *policy.Proxy {
	if !c.env.OthersTrack || !svc.Traffic.Locally() {
		return nil
	}
	for i := range c.decision.Proxies {
		p := &c.decision.Proxies[i]
		if p.Service == svc.Name && p.Drain != 0 && (p.Until != 0 || svc.Mode == policy.Enforce) {
			return p
		}
	}
	return nil
}

// proxy adds the chains of the services whose handshakes the kernel completes. Exempt addresses do not
// leave: they can be forged (P4). What the host sends to itself does, and so do the SYNs with which the
// kernel opens the proxied connections: they come in by lo.
func (c *compiler) proxy(parts []*part) {
	var offered, completed []*part
	for _, pt := range parts {
		if pt.proxy == nil {
			continue
		}
		if pt.proxy.Until != 0 {
			// One whose destination was rewritten is left to its listener: its ACK would not be.
			c.handshakes(pt, "offer", "proxied", pt.proxy.Until, ctNew(), ctPlain(), forListener())
			offered = append(offered, pt)
		}
		if pt.svc.Mode == policy.Enforce {
			// Its lease outlasts the other's, so that no client is left half-way.
			c.handshakes(pt, "complete", "completed", pt.proxy.Drain, ctInvalid(), forListener())
			completed = append(completed, pt)
		}
	}
	c.input("offer", priorityOffer, opening(), offered)
	c.input("complete", priorityComplete, acknowledging(), completed)
}

// input adds a base chain of that name, which leads to the chains that services have by it, if any has one.
func (c *compiler) input(name string, priority int, match clause, parts []*part) {
	if len(parts) == 0 {
		return
	}
	base := Chain{Name: name, Hook: Input, Priority: priority, Rules: []Rule{rule(viaLo(false), accept())}}
	for _, pt := range parts {
		base.Rules = append(base.Rules, c.dispatch(pt, name, match)...)
	}
	c.out.Chains = append(c.out.Chains, base)
}

// handshakes adds the chain that hands what matches to SYNPROXY while its lease lasts, and counts it: SYNs to
// be answered, or the ACKs of handshakes that were begun so. In shadow mode it only counts.
func (c *compiler) handshakes(pt *part, name, counter string, until policy.Instant, match ...clause) {
	count := pt.name(counter)
	c.out.Counters = append(c.out.Counters, count)
	c.out.Sets = append(c.out.Sets, leases(pt, name, until))
	chain := Chain{Name: pt.name(name)}
	if pt.svc.Mode == policy.Shadow {
		chain.Rules = []Rule{rule(counted(count), accept())}
	} else {
		for _, f := range families {
			clauses := slices.Concat([]clause{f.only()}, match, []clause{counted(count), synproxy(pt.segment(f))})
			chain.Rules = append(chain.Rules, rule(clauses...))
		}
	}
	c.out.Chains = append(c.out.Chains, chain)
}

// segment is the segment size that clients of a family are offered.
func (pt *part) segment(f family) int {
	if f.proto == nfprotoIPv6 {
		return max(pt.proxy.MSS6, policy.LeastMSS6)
	}
	return max(pt.proxy.MSS4, policy.LeastMSS4)
}

// only matches packets of the family.
func (f family) only() clause {
	name := "ipv4"
	if f.proto == nfprotoIPv6 {
		name = "ipv6"
	}
	return clause{"meta nfproto " + name, isFamily(f)}
}

// acknowledging matches what may complete a handshake.
func acknowledging() clause {
	e := append(isTCP(), transport(13, 1), and([]byte{tcpFIN | tcpSYN | tcpRST | tcpACK}), compare(expr.CmpOpEq, []byte{tcpACK}))
	return clause{"tcp flags & (fin | syn | rst | ack) == ack", e}
}

// ctInvalid matches packets that belong to no connection conntrack knows.
func ctInvalid() clause {
	return clause{"ct state invalid", []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: reg},
		and(binaryutil.NativeEndian.PutUint32(expr.CtStateBitINVALID)),
		compare(expr.CmpOpNeq, make([]byte, 4)),
	}}
}

// forListener matches packets that a listener on the unspecified address would get. Of a listener on one
// address the kernel says the same as of a connection, of a handshake under way and of a connection in
// TIME_WAIT nothing (nft_socket_eval of net/netfilter/nft_socket.c; measured).
func forListener() clause {
	return clause{"socket wildcard 1", []expr.Any{&expr.Socket{Key: expr.SocketKeyWildcard, Register: reg}, compare(expr.CmpOpEq, []byte{1})}}
}

// ctPlain matches packets whose addresses nobody rewrites.
func ctPlain() clause {
	return clause{"ct status ! snat,dnat", []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATUS, Register: reg},
		and(binaryutil.NativeEndian.PutUint32(ipsNAT)),
		compare(expr.CmpOpEq, make([]byte, 4)),
	}}
}
