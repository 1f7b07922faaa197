package policy

import (
	"net/netip"
	"time"
)

// Policy is one validated policy file. It is immutable: a reload makes a new one.
type Policy struct {
	Exempt   Exempt
	Observe  Observe
	Limits   Limits
	Services []Service // in the order of the file; names are unique
	Control  Control
	Metrics  Metrics
	History  History
}

// Exempt names what is never refused, closed or limited for its own behaviour (P4).
type Exempt struct {
	Prefixes  []netip.Prefix // masked, sorted, unmapped; may overlap
	SSHGroups []string       // whose members, and root, are exempt on sshd's ports while logged in; sorted
}

// Observe bounds what watching may cost.
type Observe struct {
	Tick       time.Duration // between two readings of the kernel's counters
	CPUBudget  int           // for the census, in thousandths of one core, averaged
	MaxSources int           // sources a census keeps for one service; the heaviest win
	IPv6Source int           // prefix length by which IPv6 addresses form one source
	Meters     Arming        // when SYNs and ended connections are metered

	SYNPressure int // SYNs a second, of all services, above which SYN meters may drop
}

// Limits bounds what may be in force at once, over all services.
type Limits struct {
	MaxBlocks int      // sources and prefixes blocked or remembered for an offence
	Conntrack Tracking // whether the kernel may count connections for us
}

// Service is a set of local ports whose connections are counted and limited together.
type Service struct {
	Name        string
	Mode        Mode         // already resolved: the service's own, else the policy's
	Ports       []PortRange  // sorted, not overlapping
	Addresses   []netip.Addr // clients connect to, sorted; empty means all of this host
	Traffic     Traffic
	Capacity    int // connections the application can hold at once; 0: not known
	Connections Connections
	Rate        Rate
	Overrides   []Override // the longest prefix first; no two are equal
	Response    Response
}

// Connections limits how many connections may be held at once.
type Connections struct {
	PerSource   int           // an IPv4 address or an IPv6 prefix of Observe.IPv6Source bits; 0: no limit
	PerPrefix   []PrefixLimit // IPv4 first, and of a family the longest first; no two of one length
	CloseExcess bool          // close what a source holds beyond its limit, least progress first
}

// PrefixLimit limits what all sources within any one prefix of a length may hold together. Sources
// with an Override count in none.
type PrefixLimit struct {
	IPv6 bool
	Bits int // shorter than that of a source
	Max  int
}

// Override gives the sources within a prefix limits of their own: offices, proxies, carrier NAT.
type Override struct {
	Prefix       netip.Prefix
	PerSource    int // instead of Connections.PerSource; 0: as there
	NewPerSource int // instead of Rate.NewPerSource; 0: as there
}

// Rate limits how fast a source may do something, in events per second.
type Rate struct {
	SYNPerSource int // SYNs to the service; 0: no limit
	NewPerSource int // completed connections; 0: no limit
}

// Response says how a limit is enforced and for how long.
type Response struct {
	RefuseWith Refusal
	Lease      time.Duration // life of anything installed without fresh evidence (P2)
	Quiet      time.Duration // below the clear level for this long ends a limit

	BlockAfter time.Duration   // over its limit for this long, a source is blocked; 0: never
	BlockFor   []time.Duration // the first block, the second, ...; the last one for all further ones
}

// Control is the socket by which the command talks to the daemon.
type Control struct {
	Socket    string
	ViewGroup string // members may read; empty: only root
}

// Metrics is where figures are served to monitoring.
type Metrics struct {
	Listen netip.AddrPort // unmapped; not valid: nowhere
}

// PortRange is an inclusive range of TCP ports, First <= Last, both at least 1.
type PortRange struct{ First, Last uint16 }

// Contains reports whether port lies in r.
func (r PortRange) Contains(port uint16) bool { return r.First <= port && port <= r.Last }

// Serves reports whether a connection to the local address and port belongs to s. The address
// must be unmapped.
func (s *Service) Serves(local netip.AddrPort) bool {
	if len(s.Addresses) > 0 {
		found := false
		for _, a := range s.Addresses {
			if a == local.Addr() {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	for _, r := range s.Ports {
		if r.Contains(local.Port()) {
			return true
		}
	}
	return false
}

// Service returns the service of that name, or nil.
func (p *Policy) Service(name string) *Service {
	for i := range p.Services {
		if p.Services[i].Name == name {
			return &p.Services[i]
		}
	}
	return nil
}
