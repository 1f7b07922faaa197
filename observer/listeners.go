package observer

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"ebbgate/internal/cgroup"
	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

// maxListeners bounds the listening sockets taken note of. Beyond it listeners are left out and
// the observation says so; connections to those are not counted (fail open).
const maxListeners = 8192

var errManyListeners = fmt.Errorf("more than %d listening sockets on the services' ports: the others are not watched", maxListeners)

// listening is one listening socket.
type listening struct {
	local          address
	port           uint16
	serves4        bool
	serves6        bool
	unspecified    bool
	queue, backlog uint32
	cgroup         uint64 // of who made it; 0: not known
	root           bool   // who made it was user 0
}

// newListening reads what a LISTEN socket of a dump serves. A dual-stack one serves IPv4 too.
func newListening(s *inetdiag.Socket) listening {
	l := listening{local: addressFrom16(&s.LocalAddr), port: s.LocalPort, queue: s.RQueue, backlog: s.WQueue,
		cgroup: s.Cgroup, root: s.UID == 0}
	switch {
	case l.local == any6:
		l.unspecified, l.serves6, l.serves4 = true, true, !s.V6Only
	case l.local == any4:
		l.unspecified, l.serves4 = true, true
	default:
		l.serves4 = l.local.is4()
		l.serves6 = !l.serves4
	}
	return l
}

// serves reports whether connections to an address of the listener can come in through it.
func (l *listening) serves(a netip.Addr) bool {
	if !l.unspecified {
		return l.local == addressOf(a)
	}
	return a.Is4() && l.serves4 || a.Is6() && l.serves6
}

// of reports whether the listener takes connections that s watches.
func (l *listening) of(s *policy.Service) bool {
	if !s.Traffic.Locally() || !slices.ContainsFunc(s.Ports, func(r policy.PortRange) bool { return r.Contains(l.port) }) {
		return false
	}
	return len(s.Addresses) == 0 || slices.ContainsFunc(s.Addresses, l.serves)
}

// dumpListeners appends the listening sockets on the target's ports to buf, in no order. Those it
// has are right even if the error says that it has not all.
func dumpListeners(c *inetdiag.Conn, t *target, buf []listening) ([]listening, error) {
	if !t.locally {
		return buf, nil
	}
	full := false
	req := inetdiag.Request{
		Family: unix.AF_UNSPEC,
		States: inetdiag.StatesOf(inetdiag.Listen),
		Filter: t.filter,
	}
	err := c.Dump(req, func(s *inetdiag.Socket) {
		l := newListening(s)
		switch {
		case !slices.ContainsFunc(t.services, func(s policy.Service) bool { return l.of(&s) }):
		case len(buf) == maxListeners:
			full = true
		default:
			buf = append(buf, l)
		}
	})
	if full {
		err = errors.Join(err, errManyListeners)
	}
	return buf, err
}

// report returns the entries of an observation for all, one for each service a listener serves,
// in order. Sockets that share an address and port (SO_REUSEPORT) have an entry each. sshd's are those
// which root made in a group of sshd: where pam_systemd is not in use, whoever logs in stays in it.
func report(all []listening, services []policy.Service, unit func(id uint64) cgroup.Unit,
	segment func(l *listening, s *policy.Service) (four, six int)) []policy.Listener {
	var out []policy.Listener
	for i := range services {
		for j := range all {
			if l := &all[j]; l.of(&services[i]) {
				u := unit(l.cgroup)
				four, six := segment(l, &services[i])
				out = append(out, policy.Listener{
					Service: services[i].Name,
					Local:   netip.AddrPortFrom(l.local.addr(), l.port),
					Queue:   l.queue,
					Backlog: l.backlog,
					Unit:    u.Name,
					SSH:     u.SSH && l.root,
					MSS4:    four,
					MSS6:    six,
				})
			}
		}
	}
	slices.SortFunc(out, func(a, b policy.Listener) int {
		return cmp.Or(a.Local.Compare(b.Local), cmp.Compare(a.Service, b.Service),
			cmp.Compare(b.Queue, a.Queue), cmp.Compare(a.Backlog, b.Backlog), cmp.Compare(a.Unit, b.Unit))
	})
	return out
}
