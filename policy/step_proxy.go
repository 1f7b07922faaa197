package policy

import (
	"fmt"
	"slices"
	"time"
)

// proxy decides whether SYNPROXY answers the service's SYNs. It begins once a spoofed flood is found where
// others use conntrack and nothing is in its way, and ends with the flood, which is quiet for a while by
// then: an attacker cannot switch it to and fro. What its prerequisites become in between counts at once:
// without them clients would hang.
func (st *serviceStep) proxy() {
	x := &st.state.Proxy
	if !st.state.SYNs.Many.raised() {
		st.proxyOff("the flood has ceased")
		*x = ProxyState{Drain: x.Drain}
		return
	}
	fw := &st.o.Firewall
	if !fw.Known {
		st.proxyOn()
		return
	}
	st.proxyTried()
	lacks := st.proxyLacks()
	switch {
	case !fw.Tracks:
		st.proxyOff("no other table uses conntrack any more, so that SYN cookies are enough")
		x.Lacks = ""
	case lacks != "":
		if x.Since != 0 {
			st.proxyOff(lacks)
		} else if x.Lacks != lacks {
			st.proxyTell("SYNPROXY is not used", "it would keep the flood out of the conntrack table, but "+lacks)
		}
		x.Lacks = lacks
	default:
		x.Lacks = ""
		if x.Since == 0 {
			x.Since, x.Before, x.Proved = st.o.At, st.state.SYNs.Opened, false
			st.proxyTell("SYNPROXY on", "other tables use conntrack, which the flood would fill: the kernel completes handshakes before it "+
				"is asked")
		}
		st.proxyOn()
	}
}

// proxyLacks says what keeps SYNPROXY from being used for a service where others use conntrack, and what
// would help; or nothing. A setting is left to the operator (P3).
func (st *serviceStep) proxyLacks() string {
	switch fw := &st.o.Firewall; {
	case !st.service.Traffic.Locally():
		return "it cannot stand in for machines behind this host: conntrack has to see every packet that is forwarded"
	case st.policy.Limits.Conntrack == TrackNever:
		return "limits.conntrack is \"never\""
	case !fw.Synproxy:
		return "this kernel has no SYNPROXY that could tell handshakes from connections (CONFIG_NFT_SYNPROXY and, of Linux 5.10, " +
			"CONFIG_NFT_SOCKET)"
	case st.o.Counters.Valid && st.o.Counters.SynCookies == 0:
		return "SYN cookies are off, on which clients depend when it is withdrawn: sysctl -w net.ipv4.tcp_syncookies=1"
	case st.state.Proxy.Failed:
		return "it was tried and no client got through: a rule that drops what conntrack calls invalid before the input hook would do that; " +
			"have it spare this service's ports"
	case st.addressed():
		return "its listener is bound to one address, so that a handshake cannot be told from a connection: have it listen on all addresses"
	case fw.Loose:
		return "conntrack takes over connections whose beginning it has not seen: sysctl -w net.netfilter.nf_conntrack_tcp_loose=0"
	}
	return ""
}

// addressed reports whether a listener of the service is bound to one address. What the host sends to itself
// is never taken.
func (st *serviceStep) addressed() bool {
	return slices.ContainsFunc(st.o.Listeners, func(l Listener) bool {
		at := l.Local.Addr().Unmap()
		return l.Service == st.service.Name && !at.IsUnspecified() && !at.IsLoopback()
	})
}

const (
	// proxyTrial is how long SYNPROXY is tried at least, and proxyClients how many clients must have been
	// expected in that time, until it is given up because none got through.
	proxyTrial   = 2 * time.Second
	proxyClients = 20
)

// proxyTried finds out whether clients get through. A neighbour's rule may drop their acknowledgements before
// they come to us, which shows in no rule of his that we could understand.
func (st *serviceStep) proxyTried() {
	x := &st.state.Proxy
	m, found := st.meter()
	if !found || !m.Completing || !st.proxied() {
		return
	}
	x.Proved = x.Proved || m.Completed > 0
	if tried := st.o.At.Sub(x.Since); !x.Proved && tried >= proxyTrial && float64(x.Before)*tried.Seconds() >= proxyClients {
		x.Failed = true
	}
}

// proxyOn renews the lease, if SYNs are answered.
func (st *serviceStep) proxyOn() {
	if x := &st.state.Proxy; x.Since != 0 {
		x.Drain = st.o.At.Add(st.service.Response.Lease + proxyDrain)
	}
}

// proxyOff ends the answering of SYNs. Handshakes that were begun may still be completed for a while.
func (st *serviceStep) proxyOff(why string) {
	x := &st.state.Proxy
	if x.Since == 0 {
		return
	}
	x.Since, x.Drain = 0, st.o.At.Add(proxyDrain)
	st.proxyTell("SYNPROXY off", why)
}

// proxyTell reports a change, as one of the attack.
func (st *serviceStep) proxyTell(what, why string) {
	a := st.answer(SpoofedSYNFlood)
	a.turned = append(a.turned, Event{Kind: ProxyChanged, Count: 1, Why: what + ": " + why})
	a.changes = append(a.changes, Change{At: st.o.At, What: what, Why: why})
}

// proxied reports whether SYNPROXY took SYNs before the service's listeners since the last turn, or would have
// in shadow mode. The kernel counts its cookies in nothing that we read.
func (st *serviceStep) proxied() bool { return st.state.Proxy.Since != 0 }

// decideProxy adds what should hold for SYNPROXY.
func (st *serviceStep) decideProxy() {
	x, at := &st.state.Proxy, st.o.At
	if x.Lacks == "" && !x.drains(at) {
		return
	}
	p := Proxy{Service: st.service.Name, Mode: st.service.Mode, Lacks: x.Lacks}
	if a := st.open(SpoofedSYNFlood); a != nil {
		p.Reason = a.Evidence
	}
	if x.drains(at) {
		p.Drain = x.Drain
		p.MSS4, p.MSS6 = st.segment(func(l *Listener) int { return l.MSS4 }, LeastMSS4), st.segment(func(l *Listener) int { return l.MSS6 }, LeastMSS6)
	}
	if x.Since != 0 {
		p.Since, p.Until = x.Since, at.Add(st.service.Response.Lease)
	}
	st.out.Proxies = append(st.out.Proxies, p)
}

// segment is the least segment size that any of the service's listeners would offer, and the least there is
// where none is known.
func (st *serviceStep) segment(of func(*Listener) int, least int) int {
	size := 0
	for i := range st.o.Listeners {
		if l := &st.o.Listeners[i]; l.Service == st.service.Name && of(l) > 0 && (size == 0 || of(l) < size) {
			size = of(l)
		}
	}
	return max(size, least)
}

// String says what holds in a few words: "SYNPROXY on".
func (p *Proxy) String() string {
	switch {
	case p.Until != 0 && p.Mode == Shadow:
		return "SYNPROXY would be on"
	case p.Until != 0:
		return "SYNPROXY on"
	case p.Lacks != "":
		return fmt.Sprintf("SYNPROXY is not used: %s", p.Lacks)
	}
	return "SYNPROXY off, handshakes it began are completed"
}
