package audit

import (
	"net/netip"
	"time"

	"ebbgate/internal/process"
	"ebbgate/policy"
)

// Facts are what Gather could read of a host, as plain values. What is not there was not readable
// and is in Unread, except for settings and counters of modules that are not loaded.
type Facts struct {
	Kernel   string              // release
	Sysctls  map[string][]uint64 // by dotted name
	Reserved []policy.PortRange  // net.ipv4.ip_local_reserved_ports
	Settings []Setting           // of the sysctl.d files, in the order in which they take effect

	Counters map[string]uint64 // of the namespace, since it was made; columns of /proc/net/netstat
	Recent   map[string]uint64 // how far they moved in Window
	Window   time.Duration     // 0: there was no second sample
	Sockets  map[string]uint64 // line TCP of /proc/net/sockstat: inuse, orphan, tw, alloc, mem

	Listeners    []Listener    // by address and port; at most maxListeners
	SocketsKnown bool          // the list of sockets was read to its end
	Destinations []Destination // the most used, at most maxShown
	PageSize     int           // bytes; the unit of tcp_mem

	Chains      []Chain // base chains of nf_tables, of every table but ours
	ChainsKnown bool
	SynProxied  uint64 // SYNs that SYNPROXY has taken; 0 also where its module is not loaded

	Unread []Unread
}

// Setting is a line of a sysctl.d file that sets something the checks know.
type Setting struct {
	File  string
	Line  int
	Name  string // in dotted form
	Value string
}

// Listener is a listening address and port, and what is connected to it. Several sockets may share
// it (SO_REUSEPORT); Queue and Backlog are those of the one that is fullest.
type Listener struct {
	Local   netip.AddrPort
	Sockets int
	Queue   uint32 // connections that wait for accept(2), the longer of two samples
	Backlog uint32 // how many may wait: the program's backlog, cut to somaxconn
	Holders []process.Holder

	KeepaliveOn  int // established connections by whether keepalive is on; those with data in
	KeepaliveOff int // flight do not tell and are in neither

	inodes []uint32
}

// Destination is where outgoing connections go. A local port can be used once for each.
type Destination struct {
	From     netip.Addr // local address
	To       netip.AddrPort
	Open     int // connections in any state but TIME_WAIT
	TimeWait int
}

// Used is how many local ports are taken for d.
func (d *Destination) Used() int { return d.Open + d.TimeWait }

// Chain is a base chain of nf_tables.
type Chain struct {
	Family   string
	Table    string
	Name     string
	Hook     string
	Priority int
}

// Unread is something that could not be looked at.
type Unread struct{ Subject, Reason string }

// unread notes what could not be read.
func (f *Facts) unread(subject, reason string) {
	f.Unread = append(f.Unread, Unread{subject, reason})
}

// sysctl returns the first number of a setting.
func (f *Facts) sysctl(name string) (uint64, bool) {
	v := f.Sysctls[name]
	if len(v) == 0 {
		return 0, false
	}
	return v[0], true
}

// setting returns the line that takes effect last for a setting.
func (f *Facts) setting(name string) (Setting, bool) {
	for i := len(f.Settings) - 1; i >= 0; i-- {
		if f.Settings[i].Name == name {
			return f.Settings[i], true
		}
	}
	return Setting{}, false
}
