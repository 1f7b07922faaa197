package enforcer

import (
	"net/netip"
	"slices"
	"time"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// cut collects the connections a decision may have closed, from one dump.
type cut struct {
	ports    []policy.PortRange // of the services with an answer, those that are only forwarded left out
	onward   bool               // one of them is forwarded
	services []*cutService
	groups   []cutGroup
	exempt   coverage // from all services
	bits     int      // of a plain IPv6 source

	own    map[netip.Addr]bool     // the host's addresses
	doors  map[netip.AddrPort]bool // where a listener of the services is
	admins map[netip.Addr]bool
	ssh    map[uint16]bool // the ports administrators are exempt on

	blocked []candidate
	others  []candidate // that may have to go for a limit or a relief
	members []int32     // indices of groups, for each of others a stretch
	missed  int         // blocked connections for which there was no room

	freshest time.Duration // the longest that conntrack will still wait for a flow
}

// cutService is one service and the answers at it that close.
type cutService struct {
	svc     *policy.Service
	exempt  coverage               // from it alone
	own     coverage               // prefixes whose sources count in no wider one
	finer   coverage               // those whose addresses do not even count in a plain source
	blocks  map[netip.Prefix]bool  // whether the operator ordered it
	groups  map[netip.Prefix]int32 // index in cut.groups
	lengths [len(families)][]int   // of the prefixes in both
	relief  int                    // what it may hold; -1: there is no relief
	held    int                    // connections, those of blocked sources left out
}

// cutGroup is one limited source or prefix.
type cutGroup struct {
	service string
	source  netip.Prefix
	keep    int // its limit
	held    int
}

// newCut notes what of a decision asks for closing. Only services in enforce mode are looked at; the
// rest of what it needs is left to the caller.
func newCut(p *policy.Policy, d *policy.Decision) *cut {
	w := &cut{exempt: everywhere(p, d), bits: p.Observe.IPv6Source, doors: make(map[netip.AddrPort]bool)}
	at := make(map[string]*cutService)
	service := func(name string, mode policy.Mode) *cutService {
		svc := p.Service(name)
		if svc == nil || mode != policy.Enforce || svc.Mode != policy.Enforce {
			return nil
		}
		if at[name] == nil {
			at[name] = w.add(d, svc)
		}
		return at[name]
	}
	for i := range d.Blocks {
		if b := &d.Blocks[i]; b.Close {
			if s := service(b.Service, b.Mode); s != nil {
				w.blocking(s, b)
			}
		}
	}
	for i := range d.Limits {
		if l := &d.Limits[i]; l.Close {
			if s := service(l.Service, l.Mode); s != nil {
				w.limit(s, l)
			}
		}
	}
	for i := range d.Reliefs {
		if s := service(d.Reliefs[i].Service, d.Reliefs[i].Mode); s != nil {
			s.relief = d.Reliefs[i].Max
		}
	}
	w.spareAdmins(&d.SSH)
	return w
}

func (w *cut) add(d *policy.Decision, svc *policy.Service) *cutService {
	s := &cutService{svc: svc, relief: -1, blocks: make(map[netip.Prefix]bool), groups: make(map[netip.Prefix]int32),
		exempt: cover(exemptions(d, svc.Name)), own: cover(overridden(svc)), finer: cover(finer(svc, w.bits))}
	w.services = append(w.services, s)
	w.onward = w.onward || svc.Traffic.Onward()
	if svc.Traffic.Locally() {
		w.ports = append(w.ports, svc.Ports...)
	}
	return s
}

// spares reports whether a source is exempt from a service.
func (w *cut) spares(s *cutService, source netip.Prefix) bool {
	return w.exempt.covers(source) || s.exempt.covers(source)
}

func (w *cut) blocking(s *cutService, b *policy.Block) {
	if !w.spares(s, b.Source) {
		s.blocks[b.Source] = b.ByHand()
		s.length(b.Source)
	}
}

func (w *cut) limit(s *cutService, l *policy.Limit) {
	if !w.spares(s, l.Source) {
		s.groups[l.Source] = int32(len(w.groups))
		w.groups = append(w.groups, cutGroup{service: l.Service, source: l.Source, keep: l.Max})
		s.length(l.Source)
	}
}

// length notes that prefixes of this length are to be looked for.
func (s *cutService) length(p netip.Prefix) {
	for i, f := range families {
		if f.of(p.Addr()) && !slices.Contains(s.lengths[i], p.Bits()) {
			s.lengths[i] = append(s.lengths[i], p.Bits())
		}
	}
}

func (w *cut) spareAdmins(ssh *policy.SSH) {
	w.admins, w.ssh = make(map[netip.Addr]bool, len(ssh.Admins)), make(map[uint16]bool, len(ssh.Ports))
	for _, a := range ssh.Admins {
		w.admins[a] = true
	}
	for _, p := range ssh.Ports {
		w.ssh[p] = true
	}
}

// listener notes where connections can come in. Whatever else uses a service's port was opened
// by the host itself (P7).
func (w *cut) listener(s *inetdiag.Socket) {
	local := s.Local()
	w.doors[local] = true
	if local.Addr() == netip.IPv6Unspecified() && !s.V6Only {
		w.doors[netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port())] = true
	}
}

// incoming reports whether a connection to local came in through a listener.
func (w *cut) incoming(local netip.AddrPort) bool {
	any := netip.IPv4Unspecified()
	if local.Addr().Is6() {
		any = netip.IPv6Unspecified()
	}
	return w.doors[local] || w.doors[netip.AddrPortFrom(any, local.Port())]
}

// connection takes one connection in.
func (w *cut) connection(sock *inetdiag.Socket) {
	if !sock.Holds() {
		return
	}
	local, remote := sock.Local(), sock.Remote().Addr().WithZone("")
	if w.own[remote] || remote.IsLoopback() || w.ssh[local.Port()] && w.admins[remote] || !w.incoming(local) {
		return
	}
	for _, s := range w.services {
		if s.svc.Traffic.Locally() && s.svc.Serves(local) {
			if !w.spares(s, netip.PrefixFrom(remote, remote.BitLen())) {
				c := progress(sock)
				c.remote = remote
				w.assign(s, c)
			}
			return
		}
	}
}

// assign finds what answers a connection of a service.
func (w *cut) assign(s *cutService, c candidate) {
	first, remote := len(w.members), c.remote
	family, plain := 0, 32
	if remote.Is6() {
		family, plain = 1, w.bits
	}
	least := 0 // length of what the connection counts in
	switch {
	case s.finer.contains(remote):
		least = plain + 1
	case s.own.contains(remote):
		least = plain
	}
	for _, bits := range s.lengths[family] {
		p, _ := remote.Prefix(bits)
		byHand, blocked := s.blocks[p]
		if blocked && (byHand || bits >= least) {
			w.members = w.members[:first]
			w.block(s, c)
			return
		}
		if bits < least {
			continue
		}
		if g, ok := s.groups[p]; ok {
			w.members = append(w.members, g)
		}
	}
	s.held++
	for _, g := range w.members[first:] {
		w.groups[g].held++
	}
	if len(w.members) == first && (s.relief < 0 || !c.silent || c.flow != nil) || len(w.blocked)+len(w.others) >= maxCandidates {
		w.members = w.members[:first]
		return
	}
	c.service, c.first, c.last = s, first, len(w.members)
	w.others = append(w.others, c)
}

// block takes a connection of a blocked source in. If need be, another makes room.
func (w *cut) block(s *cutService, c candidate) {
	if n := len(w.others); len(w.blocked)+n >= maxCandidates {
		if n == 0 {
			w.missed++
			return
		}
		w.members = w.members[:w.others[n-1].first]
		w.others = w.others[:n-1]
	}
	c.service = s
	w.blocked = append(w.blocked, c)
}
