package enforcer

import (
	"fmt"
	"net"
	"net/netip"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// group is one limited source of one service, and its connections.
type group struct {
	service string
	source  netip.Prefix
	keep    int // its limit
	held    int
	list    []candidate
}

// groupKey finds a group.
type groupKey struct {
	service string
	source  netip.Prefix
}

// excess collects the connections of limited sources.
type excess struct {
	policy   *policy.Policy
	ports    []policy.PortRange // of the services with a group
	services []*policy.Service
	groups   []group
	index    map[groupKey]int
	own      map[netip.Addr]bool     // the host's addresses
	doors    map[netip.AddrPort]bool // where a listener of the services is
	total    int                     // candidates in all groups
}

// newExcess makes a group of every limit that asks for closing.
func newExcess(p *policy.Policy, limits []policy.Limit) *excess {
	w := &excess{policy: p, index: make(map[groupKey]int), doors: make(map[netip.AddrPort]bool)}
	for _, l := range limits {
		svc := p.Service(l.Service)
		if !l.Close || l.Mode != policy.Enforce || svc == nil || !svc.Traffic.Locally() || policy.Covers(p.Exempt.Prefixes, l.Source) {
			continue
		}
		if n := len(w.services); n == 0 || w.services[n-1] != svc {
			w.services = append(w.services, svc)
			w.ports = append(w.ports, svc.Ports...)
		}
		w.index[groupKey{l.Service, l.Source}] = len(w.groups)
		w.groups = append(w.groups, group{service: l.Service, source: l.Source, keep: l.Max})
	}
	return w
}

// listener notes where connections can come in. Whatever else uses a service's port was opened
// by the host itself (P7).
func (w *excess) listener(s *inetdiag.Socket) {
	local := s.Local()
	w.doors[local] = true
	if local.Addr() == netip.IPv6Unspecified() && !s.V6Only {
		w.doors[netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port())] = true
	}
}

// incoming reports whether a connection to local came in through a listener.
func (w *excess) incoming(local netip.AddrPort) bool {
	any := netip.IPv4Unspecified()
	if local.Addr().Is6() {
		any = netip.IPv6Unspecified()
	}
	return w.doors[local] || w.doors[netip.AddrPortFrom(any, local.Port())]
}

// connection puts one connection into its group.
func (w *excess) connection(s *inetdiag.Socket) {
	if !s.Holds() {
		return
	}
	local, remote := s.Local(), s.Remote().Addr()
	if w.own[remote] || remote.IsLoopback() || !w.incoming(local) {
		return
	}
	source := policy.Group(remote, w.policy.Observe.IPv6Source)
	for _, svc := range w.services {
		i, limited := w.index[groupKey{svc.Name, source}]
		if !limited || !svc.Serves(local) || policy.Covers(w.policy.Exempt.Prefixes, netip.PrefixFrom(remote, remote.BitLen())) {
			continue
		}
		g := &w.groups[i]
		g.held++
		if w.total < maxCandidates {
			w.total++
			g.list = append(g.list, progress(s))
		}
		return
	}
}

// ownAddresses returns the addresses of the host's interfaces in the calling thread's network
// namespace.
func ownAddresses() (map[netip.Addr]bool, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list the host's addresses: %w", err)
	}
	own := make(map[netip.Addr]bool, len(list))
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				own[addr.Unmap()] = true
			}
		}
	}
	return own, nil
}
