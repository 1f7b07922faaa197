package audit

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
)

// Bounds on what is kept of the sockets. Listeners beyond are named as unread; so are outgoing
// connections to destinations beyond.
const (
	maxListeners    = 4096
	maxDestinations = 1 << 16
	maxShown        = 16
)

// timerKeepalive is the idiag_timer of a connection with nothing in flight whose keepalive timer
// runs (inet_csk_diag_fill of net/ipv4/inet_diag.c; 0 is no timer at all).
const timerKeepalive = 2

// connected are the states in which an outgoing connection takes a local port.
var connected = inetdiag.StatesOf(inetdiag.Established, inetdiag.SynSent, inetdiag.FinWait1, inetdiag.FinWait2,
	inetdiag.TimeWait, inetdiag.CloseWait, inetdiag.LastAck, inetdiag.Closing)

// readSockets lists listeners, and counts connections by listener or by destination.
func (f *Facts) readSockets() {
	conn, err := inetdiag.Open()
	if err != nil {
		f.unread("TCP sockets", err.Error())
		return
	}
	defer conn.Close()
	if err := f.listListeners(conn); err != nil {
		f.unread("TCP listeners", err.Error())
		return
	}
	c := newCount(f)
	err = conn.Dump(inetdiag.Request{Family: unix.AF_UNSPEC, States: connected}, c.add)
	f.SocketsKnown = err == nil
	if err != nil {
		f.unread("TCP connections", err.Error()+"; the numbers found are lower bounds")
	}
	f.Destinations = c.heaviest()
	if c.beyond > 0 {
		f.unread("outgoing connections", fmt.Sprintf("%d of them go to destinations beyond the first %d and were not counted", c.beyond, maxDestinations))
	}
}

// listListeners fills Listeners, one for each address and port.
func (f *Facts) listListeners(conn *inetdiag.Conn) error {
	at := make(map[netip.AddrPort]int)
	beyond := 0
	err := conn.Dump(inetdiag.Request{Family: unix.AF_UNSPEC, States: inetdiag.StatesOf(inetdiag.Listen)}, func(s *inetdiag.Socket) {
		local := s.Local()
		i, known := at[local]
		switch {
		case known:
		case len(f.Listeners) >= maxListeners:
			beyond++
			return
		default:
			i = len(f.Listeners)
			at[local] = i
			f.Listeners = append(f.Listeners, Listener{Local: local, Queue: s.RQueue, Backlog: s.WQueue})
		}
		l := &f.Listeners[i]
		l.Sockets++
		if len(l.inodes) < maxListeners {
			l.inodes = append(l.inodes, s.Inode)
		}
		l.fuller(s.RQueue, s.WQueue)
	})
	if beyond > 0 {
		f.unread("TCP listeners", fmt.Sprintf("%d beyond the first %d", beyond, maxListeners))
	}
	slices.SortFunc(f.Listeners, func(a, b Listener) int { return a.Local.Compare(b.Local) })
	return err
}

// readQueues looks at the accept queues once more and keeps the fuller of two looks. Listeners
// that came meanwhile are left out.
func (f *Facts) readQueues() {
	at := make(map[netip.AddrPort]int, len(f.Listeners))
	for i := range f.Listeners {
		at[f.Listeners[i].Local] = i
	}
	conn, err := inetdiag.Open()
	if err == nil {
		defer conn.Close()
		err = conn.Dump(inetdiag.Request{Family: unix.AF_UNSPEC, States: inetdiag.StatesOf(inetdiag.Listen)}, func(s *inetdiag.Socket) {
			if i, ok := at[s.Local()]; ok {
				f.Listeners[i].fuller(s.RQueue, s.WQueue)
			}
		})
	}
	if err != nil {
		f.unread("accept queues", "the second look: "+err.Error())
	}
}

// fuller takes the queue of another socket of the listener, or of a later look, if it is fuller;
// of equally full ones that with the smaller backlog.
func (l *Listener) fuller(queue, backlog uint32) {
	mine, other := uint64(l.Queue)*(uint64(backlog)+1), uint64(queue)*(uint64(l.Backlog)+1)
	if other > mine || other == mine && backlog < l.Backlog {
		l.Queue, l.Backlog = queue, backlog
	}
}

// count sorts connections into those of a listener and those that go out.
type count struct {
	f            *Facts
	at           map[netip.AddrPort]int
	first, last  uint16 // net.ipv4.ip_local_port_range
	destinations map[destination]*Destination
	beyond       int
}

type destination struct {
	from netip.Addr
	to   netip.AddrPort
}

func newCount(f *Facts) *count {
	c := &count{f: f, at: make(map[netip.AddrPort]int), destinations: make(map[destination]*Destination)}
	for i := range f.Listeners {
		c.at[f.Listeners[i].Local] = i
	}
	if r := f.Sysctls[localPortRange]; len(r) == 2 && r[1] < 1<<16 {
		c.first, c.last = uint16(r[0]), uint16(r[1])
	}
	return c
}

func (c *count) add(s *inetdiag.Socket) {
	if l := c.listener(s.Local()); l != nil {
		switch {
		case s.State != inetdiag.Established:
		case s.Timer == timerKeepalive:
			l.KeepaliveOn++
		case s.Timer == 0:
			l.KeepaliveOff++
		}
		return
	}
	// What ends at a port outside the range was accepted by a listener that is gone.
	if s.LocalPort < c.first || s.LocalPort > c.last {
		return
	}
	key := destination{s.Local().Addr(), s.Remote()}
	d := c.destinations[key]
	if d == nil {
		if len(c.destinations) >= maxDestinations {
			c.beyond++
			return
		}
		d = &Destination{From: key.from, To: key.to}
		c.destinations[key] = d
	}
	if s.State == inetdiag.TimeWait || s.Timer == inetdiag.TimerTimeWait {
		d.TimeWait++
	} else {
		d.Open++
	}
}

// listener returns the one that accepted a connection to a local address: that of the address
// itself, else one for all addresses of its family, else one for all of both.
func (c *count) listener(local netip.AddrPort) *Listener {
	try := [...]netip.Addr{local.Addr(), netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	for i, addr := range try {
		if i == 1 && !local.Addr().Is4() {
			continue
		}
		if at, ok := c.at[netip.AddrPortFrom(addr, local.Port())]; ok {
			return &c.f.Listeners[at]
		}
	}
	return nil
}

// heaviest returns the destinations that use most ports.
func (c *count) heaviest() []Destination {
	out := make([]Destination, 0, len(c.destinations))
	for _, d := range c.destinations {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b Destination) int {
		return cmp.Or(b.Used()-a.Used(), a.To.Compare(b.To), a.From.Compare(b.From))
	})
	return slices.Clip(out[:min(len(out), maxShown)])
}
