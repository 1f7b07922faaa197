package survey

import (
	"cmp"
	"net/netip"
	"slices"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/process"
	"ebbgate/policy"
)

// Backlog is one listening socket and its accept queue.
type Backlog struct {
	Local   netip.AddrPort
	Queue   uint32 // connections that wait for accept(2)
	Backlog uint32 // how many may wait; the kernel lets one more in
	UID     uint32 // owner
	Inode   uint32
	Holders []process.Holder // by PID, at most process.MaxHolders; once they were looked up
}

func newBacklog(l *inetdiag.Socket) Backlog {
	return Backlog{Local: l.Local(), Queue: l.RQueue, Backlog: l.WQueue, UID: l.UID, Inode: l.Inode}
}

// Listeners are the listening sockets of each service, in the order of Survey.Services.
type Listeners struct{ ByService [][]Backlog }

// Listeners returns the listening sockets of the services, by address.
func (s *Survey) Listeners() *Listeners {
	out := &Listeners{ByService: make([][]Backlog, len(s.services))}
	for i := range s.services {
		for j := range s.listeners {
			if l := newBacklog(&s.listeners[j]); listensFor(&s.services[i], l.Local) {
				out.ByService[i] = append(out.ByService[i], l)
			}
		}
		slices.SortFunc(out.ByService[i], func(a, b Backlog) int {
			return cmp.Or(a.Local.Compare(b.Local), cmp.Compare(a.Inode, b.Inode))
		})
	}
	return out
}

// listensFor reports whether a listener takes connections of a service: one for every address does
// for any.
func listensFor(s *policy.Service, local netip.AddrPort) bool {
	if local.Addr().IsUnspecified() && len(s.Addresses) > 0 {
		local = netip.AddrPortFrom(s.Addresses[0], local.Port())
	}
	return s.Serves(local)
}

func (l *Listeners) inodes(set map[uint32]struct{}) {
	for _, list := range l.ByService {
		for i := range list {
			set[list[i].Inode] = struct{}{}
		}
	}
}

func (l *Listeners) fill(found map[uint32][]process.Holder) {
	for _, list := range l.ByService {
		for i := range list {
			list[i].Holders = found[list[i].Inode]
		}
	}
}
