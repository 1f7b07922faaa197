package compare

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/demo"
	"ebbgate/internal/inetdiag"
	"ebbgate/internal/lab"
	"ebbgate/internal/nlwire"
	"ebbgate/policy"
)

// leftovers are what an attack has left at the victim.
type leftovers struct {
	held     int  // sockets of attackers that hold a slot of the server, or a place in its queue
	halfOpen int  // of attackers
	waiting  int  // in the server's accept queue, dead or alive
	tracked  int  // conntrack entries of attackers; those of all, where they are too many to be read
	table    bool // of ebbgate
}

// atRest is how many connections of clients may wait in a queue that is at rest.
const atRest = 3

// clean reports whether nothing is left.
func (l leftovers) clean() bool {
	return l.held == 0 && l.halfOpen == 0 && l.waiting <= atRest && l.tracked == 0 && !l.table
}

// String names what is left, the empty string nothing.
func (l leftovers) String() string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	if l.table {
		parts = append(parts, "the table")
	}
	add(l.held, "connections")
	add(l.halfOpen, "half-open connections")
	if l.waiting > atRest {
		add(l.waiting, "connections in the accept queue")
	}
	add(l.tracked, "conntrack entries")
	return strings.Join(parts, ", ")
}

// eye looks at the victim's kernel from outside of everything that runs there.
type eye struct {
	victim *lab.Namespace
	diag   *inetdiag.Conn
	track  *ctnetlink.Conn
	filter []byte
}

func newEye(victim *lab.Namespace) (e *eye, err error) {
	e = &eye{victim: victim}
	port := policy.PortRange{First: demo.ServicePort, Last: demo.ServicePort}
	if e.filter, err = inetdiag.PortFilter([]policy.PortRange{port}); err != nil {
		return nil, err
	}
	err = victim.Do(func() error {
		if e.diag, err = inetdiag.Open(); err != nil {
			return err
		}
		e.track, err = ctnetlink.Open()
		return err
	})
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *eye) close() error {
	var errs []error
	if e.diag != nil {
		errs = append(errs, e.diag.Close())
	}
	if e.track != nil {
		errs = append(errs, e.track.Close())
	}
	return errors.Join(errs...)
}

// sockets counts the attackers' sockets.
func (e *eye) sockets() (held, halfOpen int, err error) {
	req := inetdiag.Request{Family: unix.AF_UNSPEC, Filter: e.filter,
		States: inetdiag.Holding | inetdiag.StatesOf(inetdiag.SynRecv)}
	err = e.diag.Dump(req, func(s *inetdiag.Socket) {
		switch {
		case s.LocalPort != demo.ServicePort || legitimate(s.Remote().Addr()):
		case s.State == inetdiag.SynRecv:
			halfOpen++
		case s.Holds():
			held++
		}
	})
	if errors.Is(err, nlwire.ErrInterrupted) {
		err = nil // it counts a little too many or too few
	}
	return held, halfOpen, err
}

// tracked returns how many conntrack entries the victim has. Without conntrack it has none.
func (e *eye) tracked() (int, error) {
	n, err := e.victim.ConntrackCount()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return n, err
}

// mostRead bounds how many conntrack entries are read: more are not what clients leave.
const mostRead = 20_000

// trackedOfAttackers counts the conntrack entries that are not the clients'.
func (e *eye) trackedOfAttackers() (int, error) {
	n, err := e.tracked()
	if err != nil || n == 0 || n > mostRead {
		return n, err
	}
	n = 0
	err = e.track.Dump(ctnetlink.Request{Family: unix.AF_UNSPEC}, func(t *ctnetlink.Entry) {
		if t.Protocol == unix.IPPROTO_TCP && !legitimate(t.Original.From().Addr()) && !legitimate(t.Original.To().Addr()) {
			n++
		}
	})
	if errors.Is(err, nlwire.ErrInterrupted) {
		err = nil // likewise
	}
	return n, err
}

// look returns what is left. The caller knows of server and table.
func (e *eye) look() (l leftovers, err error) {
	if l.held, l.halfOpen, err = e.sockets(); err != nil {
		return l, err
	}
	l.tracked, err = e.trackedOfAttackers()
	return l, err
}

// legitimate reports whether an address is a client's.
func legitimate(a netip.Addr) bool {
	r := lab.ClientRange()
	return r.V4.Contains(a) || r.V6.Contains(a)
}
