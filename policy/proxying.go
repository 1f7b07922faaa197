package policy

import "time"

// Firewall is what others do with the kernel's rules and settings, as far as it decides whether SYNPROXY
// may be used.
type Firewall struct {
	Known    bool // the rules of other tables have been read; false: Tracks says nothing
	Tracks   bool // one of them uses conntrack
	Loose    bool // net.netfilter.nf_conntrack_tcp_loose is not 0, or could not be read
	Synproxy bool // the kernel knows its expression, and the one that tells handshakes from connections
}

// Proxy has the kernel complete the handshakes of a service by itself, with SYN cookies, before conntrack
// remembers any of them (nf_synproxy), so that a spoofed flood does not fill its table. It is decided
// under SpoofedSYNFlood alone, where another table uses conntrack anyway. Where it would help but may not
// be used, Lacks says why, and nothing else of it holds.
type Proxy struct {
	Service string
	Mode    Mode    // Shadow: count and pass
	MSS4    int     // offered to IPv4 clients, bytes; at least LeastMSS4
	MSS6    int     // likewise IPv6, at least LeastMSS6
	Since   Instant // when SYNs began to be answered; 0: they are not
	Until   Instant // end of the lease of answering SYNs; 0: they are not answered any more
	Drain   Instant // until then the handshakes that were begun may be completed
	Lacks   string  // what keeps it from being used, and what to set
	Reason  Reason
}

// The segment sizes to assume of a network nothing is known of: RFC 9293, section 3.7.1, and RFC 8200,
// section 5, without the headers of IP and TCP.
const (
	LeastMSS4 = 536
	LeastMSS6 = 1220
)

// proxyDrain is how long handshakes that were begun may be completed after SYNs are no longer answered:
// longer than any client's acknowledgement is on its way. It comes once; SYNPROXY lets a client send nothing
// that would repeat it.
const proxyDrain = 5 * time.Second

// ProxyState is what is remembered about SYNPROXY for a service.
type ProxyState struct {
	Since Instant // SYNs have been answered since; 0: they are not
	Drain Instant // handshakes may be completed until then; 0: none was begun
	Lacks string  // what kept it from being used, as it was last told

	Before int  // connections the host accepted a second when it began
	Proved bool // a client has sent what completes a handshake
	Failed bool // it was tried in this attack, and none has
}

// drains reports whether there is anything to be done for it at a time.
func (s *ProxyState) drains(at Instant) bool { return s.Drain > at }
