package policy

import (
	"net/netip"
	"time"
)

// Instant is a time in nanoseconds since boot (CLOCK_BOOTTIME of clock_gettime(2)). It counts
// through suspend and never steps, so subtraction is the same live and replayed.
type Instant int64

// Add returns the instant d later.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub returns the duration from u to t.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }

// Observation is everything the kernel was asked in one turn of the loop. It holds plain values
// only and every slice is sorted by a total order, so that equal input is equal data.
type Observation struct {
	At        Instant    // when the counters were read
	Wall      int64      // Unix nanoseconds at the same moment, for display only
	Counters  Counters   // of the whole network namespace
	Listeners []Listener // those that serve the policy, by address and port
	Census    Census     // Census.Taken is false in most turns
	Endings   Endings    // Endings.Taken is true about once a second while they are watched
	SYNs      []SYNMeter // of the meters in the kernel, by service; read about once a second
	Metered   bool       // they were read in this turn
	Sessions  []Session  // remote logins that last, by address
	Orders    []Order    // what the operator asked for since the last turn, in that order
	Closed    []Cut      // connections we closed since the last turn, by service and source
	Faults    []Fault    // what could not be read this turn (P8)

	Firewall  Firewall // of others, as of the last look at it
	TableLost bool     // since the last turn somebody else removed our table

	Inherited []Inherited // in the first turn: blocks an earlier run left in the kernel, by service and source
}

// Cut counts connections of one source that we closed. They are no doing of the source's, though they
// end like any other.
type Cut struct {
	Service string
	Source  netip.Prefix // as policy.Group makes it
	Count   int
}

// Inherited is a block in force that an earlier run of the daemon left in the kernel. Blocks of shadow
// mode are none.
type Inherited struct {
	Service string
	Source  netip.Prefix
	Until   Instant
	ByHand  bool `json:",omitempty"` // the operator ordered it
}

// Fault is a part of an observation that could not be had, and why.
type Fault struct {
	Part string // "counters", "listeners", "census", ...
	Text string
}

// Counters are absolute values as the kernel reports them; Step takes the differences. See
// proc_net(5) and Documentation/networking/snmp_counter.rst.
type Counters struct {
	Valid bool // false: could not be read; nothing may be concluded from the zeroes

	CurrEstab    uint64 // sockets in ESTABLISHED or CLOSE_WAIT, of either direction
	PassiveOpens uint64 // connections accepted since boot
	AttemptFails uint64 // handshakes that failed, of either direction: a reset answered the SYN-ACK

	ListenOverflows uint64 // accept queue was full
	ListenDrops     uint64 // SYNs and ACKs a listener dropped, for any reason
	CookiesSent     uint64 // SYN cookies sent
	CookiesValid    uint64 // came back valid
	CookiesFailed   uint64 // came back invalid
	QueueFullDrops  uint64 // SYNs dropped at a full SYN queue, as cookies are off

	SynCookies     int    // net.ipv4.tcp_syncookies: 0, 1 or 2; -1: unknown
	ConntrackCount uint64 // entries in the namespace's conntrack table
	ConntrackMax   uint64 // its bound; 0: no conntrack in this kernel
}

// Listener is one listening socket of a service.
type Listener struct {
	Service string
	Local   netip.AddrPort // unmapped; the unspecified address listens on all
	Queue   uint32         // completed connections that wait for accept(2)
	Backlog uint32         // how many may wait
	Unit    string         // of the service manager that holds it, as "nginx.service"; empty: not known
	SSH     bool           // it is sshd's

	MSS4 int // the TCP segment size its clients of IPv4 may be offered, bytes; 0: it serves none, or it is not known
	MSS6 int // likewise of IPv6
}

// Census counts connections per service and source. Absence of a source means it held none, but
// only if Complete and with nothing in the service's Rest; otherwise it means unknown. A count in
// a census that is not Complete is a lower bound.
type Census struct {
	Taken    bool
	Complete bool          // every socket was seen; false: interrupted, or too many sources to tell apart
	From     Instant       // when the dump began
	CPU      time.Duration // of one core, charged to us by the kernel
	Sockets  int           // sockets and conntrack entries the kernel reported
	Services []ServiceCensus
}

// ServiceCensus is the census of one service. Services without a connection are present too.
type ServiceCensus struct {
	Service  string
	Held     int            // connections that hold a slot of the application, of all sources
	HalfOpen int            // handshakes not completed, of all sources
	Unread   int            // of Held, in CLOSE_WAIT: the peer has closed and the application has not
	Sources  []SourceCensus // by Source; at most Observe.MaxSources, the heaviest
	Rest     Rest           // the sources beyond that bound
}

// SourceCensus counts the connections of one source. Held are those in ESTABLISHED and
// CLOSE_WAIT, and in FIN_WAIT while a process still holds the socket; never TIME_WAIT.
type SourceCensus struct {
	Source   netip.Prefix
	Held     int
	HalfOpen int

	// Single is the one IPv6 address of a wider source that holds more than all its others together,
	// if there is one, and SingleHeld a lower bound of what it holds: never less than Held minus twice
	// what the others hold.
	Single     netip.Addr
	SingleHeld int
}

// Rest sums up the sources a census could not keep.
type Rest struct {
	Sources int
	Held    int
}
