package demo

import (
	"fmt"
	"net/netip"

	"ebbgate/internal/lab"
)

// target4 and target6 are where the service is reached.
func target4() netip.AddrPort { return netip.AddrPortFrom(lab.VictimV4(), servicePort) }
func target6() netip.AddrPort { return netip.AddrPortFrom(lab.VictimV6(), servicePort) }

// connectionFlood is few sources that hold many connections each: eight IPv4 addresses, and 500
// addresses of one IPv6 /64.
func connectionFlood() kind {
	return kind{
		name:  "connection-flood",
		about: "few sources hold many connections each",
		scene: fmt.Sprintf(`A server that holds %d connections, 20 clients making %d requests a second, and attackers, each
in a network namespace of its own. First the flood alone, then with ebbgate, whose policy allows
%d connections a source.`, capacity, requestRate, perSource),
		begins: "a flood begins, and nothing answers it: 8 IPv4 addresses and one IPv6 /64",
		again:  "the same flood begins again",
		ends:   "the flood ends",
		over:   "the flood ended",
		load:   held(),
		starts: []start{
			hoard(lab.HoardConfig{Target: target4(), Sources: lab.AttackRange().IPv4(8), Total: 3000, Rate: 12000, Payload: lab.PartialRequest()}),
			hoard(lab.HoardConfig{Target: target6(), Sources: lab.AttackRange().OneSubnet(500), Total: 1000, Rate: 6000}),
		},
		ruled: true, cured: true,
		facts: func(r *Result) []fact { return []fact{r.heldFact()} },
	}
}

// distributedFlood is many sources that hold few connections each: 300 IPv4 addresses of twenty
// /24s, and 100 IPv6 /64s of five /48s.
func distributedFlood() kind {
	sources4, sources6 := lab.AttackRange().SpreadIPv4(20, 15), lab.AttackRange().SpreadIPv6(5, 20)
	return kind{
		name:  "distributed-flood",
		about: "hundreds of sources hold few connections each, more than the server can",
		scene: fmt.Sprintf(`A server that holds %d connections, 20 clients making %d requests a second, and %d attackers of
whom none holds a tenth of the %d connections the policy allows a source. First the flood alone,
then with ebbgate, which knows the server's capacity.`, capacity, requestRate, len(sources4)+len(sources6), perSource),
		begins: "a flood begins, and nothing answers it: 300 addresses of 20 /24s and 100 /64s of 5 /48s",
		again:  "the same flood begins again",
		ends:   "the flood ends",
		over:   "the flood ended",
		policy: policyText{capacity: true},
		load:   held(),
		starts: []start{
			hoard(lab.HoardConfig{Target: target4(), Sources: sources4, PerSource: 8, Rate: 6000, Payload: lab.PartialRequest()}),
			hoard(lab.HoardConfig{Target: target6(), Sources: sources6, PerSource: 8, Rate: 2000}),
		},
		ruled: true, cured: true,
		facts: func(r *Result) []fact {
			return []fact{r.heldFact(), {"fair share", fmt.Sprintf("%d to %d connections for a source or prefix; the server held %d of %d at the end",
				r.ShareLeast, r.ShareMost, r.HeldAtEnd, capacity)}}
		},
	}
}

// heldFact says what became of the connections that attackers wanted to hold.
func (r *Result) heldFact() fact {
	return fact{"the attackers", fmt.Sprintf("%d tries, %d refused, %d cut, at most %d left to a source", r.Attempts, r.Refused, r.Cut, r.Most)}
}
