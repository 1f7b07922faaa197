package policy

import (
	"net/netip"
	"time"
)

// Policy is one validated policy file. It is immutable: a reload makes a new one.
type Policy struct {
	Exempt   Exempt
	Observe  Observe
	Services []Service // in the order of the file; names are unique
	Control  Control
}

// Exempt names what is never refused, closed or limited for its own behaviour (P4).
type Exempt struct {
	Prefixes []netip.Prefix // masked, sorted, unmapped; may overlap
}

// Observe bounds what watching may cost.
type Observe struct {
	Tick       time.Duration // between two readings of the kernel's counters
	CPUBudget  int           // for the census, in thousandths of one core, averaged
	MaxSources int           // sources a census keeps for one service; the heaviest win
	IPv6Source int           // prefix length by which IPv6 addresses form one source
	Meters     Arming        // when SYNs and ended connections are metered
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
	Response    Response
}

// Connections limits how many connections may be held at once.
type Connections struct {
	PerSource   int  // an IPv4 address or an IPv6 prefix of Observe.IPv6Source bits; 0: no limit
	CloseExcess bool // close what a source holds beyond PerSource, least progress first
}

// Rate limits how fast a source may do something, in events per second.
type Rate struct {
	SYNPerSource int // SYNs to the service; 0: they are not metered
}

// Response says how a limit is enforced and for how long.
type Response struct {
	RefuseWith Refusal
	Lease      time.Duration // life of anything installed without fresh evidence (P2)
	Quiet      time.Duration // below the clear level for this long ends a limit
}

// Control is the socket by which the command talks to the daemon.
type Control struct {
	Socket    string
	ViewGroup string // members may read; empty: only root
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
