package demo

import (
	"fmt"
	"net/netip"

	"ebbgate/internal/lab"
)

const (
	synRate      = 30_000 // SYNs a second of a flood
	synPressure  = 5_000
	synPerSource = 200
)

// synFlood is SYNs of a few addresses that never complete a handshake.
func synFlood(rate int) kind {
	sources := lab.SpoofRange().IPv4(5)
	return synKind("syn-flood", rate, "a few addresses send SYNs and complete no handshake",
		fmt.Sprintf(`A server, 20 clients making %d requests a second, and %d SYNs a second of %d addresses that never
complete a handshake. The kernel's SYN cookies carry that. Above %d SYNs a second ebbgate also
drops what an address sends beyond %d a second, before it costs a cookie, unless the address is
known to be real. First the flood alone, then with ebbgate.`, requestRate, rate, len(sources), synPressure, synPerSource),
		fmt.Sprintf("%d IPv4 addresses", len(sources)), sources,
		func(r *Result) fact {
			return fact{"answered by", fmt.Sprintf("%d SYNs dropped of addresses beyond their rate; %s", r.SYNsDropped, r.nobody())}
		})
}

// spoofedSYNFlood is SYNs of more addresses than can be real.
func spoofedSYNFlood(rate int) kind {
	sources := lab.SpoofRange().IPv4(60_000)
	return synKind("spoofed-syn-flood", rate, "SYNs in the name of 60,000 addresses: SYN cookies carry them",
		fmt.Sprintf(`A server, 20 clients making %d requests a second, and %d SYNs a second in the name of %d random
addresses. The kernel's SYN cookies carry that, with ebbgate and without. What ebbgate does is to
recognise it, and to see to it that nothing is kept for each address: a limit for each source or a
conntrack entry for each SYN would do more harm than the flood.`, requestRate, rate, len(sources)),
		fmt.Sprintf("%d forged IPv4 addresses", len(sources)), sources,
		func(r *Result) fact { return fact{"answered by", "SYN cookies alone; " + r.nobody()} })
}

// synKind is what both kinds of SYN flood have in common.
func synKind(name string, rate int, about, scene, who string, sources []netip.Addr, answer func(*Result) fact) kind {
	return kind{
		name: name, about: about, scene: scene,
		begins: "a flood begins, and only the kernel answers it: " + who,
		again:  "the same flood begins again",
		ends:   "the flood ends",
		over:   "the flood ended",
		policy: policyText{synPerSource: synPerSource, synPressure: synPressure},
		load:   load{title: "SYNs sent/s", digits: 5, full: rate, total: func(p *play) uint64 { return p.tally().syns }},
		starts: []start{spoof(lab.SpoofConfig{Target: target4(), Sources: sources, Rate: rate})},
		ruled:  name == "syn-flood", metered: true, cured: true,
		facts: func(r *Result) []fact {
			return []fact{
				{"the attackers", fmt.Sprintf("%d SYNs; the kernel sent %d SYN cookies", r.SYNs, r.CookiesSent)},
				answer(r),
			}
		},
	}
}

// nobody says how few were held responsible.
func (r *Result) nobody() string {
	return fmt.Sprintf("%d sources limited, %d blocked, at most %d conntrack entries", r.MostLimited, r.Blocks, r.MostTracked)
}
