package inetdiag

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Conn is a connection to the kernel's socket diagnostics. It is not safe for concurrent use, and
// its methods must not be called from within the callback of Dump. One Conn serves any number of
// requests, one after the other; it keeps 32 KiB and one netlink socket until Close.
type Conn struct {
	nl     *nlwire.Conn
	body   []byte   // scratch for the request
	bodies [][]byte // likewise, for the requests of a batch
	sock   Socket   // scratch handed to callbacks
}

// Open opens a Conn in the network namespace of the calling thread. It stays there, whatever
// thread uses it later.
func Open() (*Conn, error) {
	nl, err := nlwire.Open(unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, fmt.Errorf("open inet_diag: %w", err)
	}
	return &Conn{nl: nl}, nil
}

// Close gives the netlink socket back. The Conn cannot be used afterwards.
func (c *Conn) Close() error { return c.nl.Close() }

// Dump calls each for every socket req asks for, in no order, always with the same *Socket. It
// returns nil if the kernel has reported all of them. With an error that is nlwire.Incomplete some
// may be missing: the caller marks what it made of them as incomplete. nlwire.ErrInterrupted says
// that the kernel's table changed under the dump. Other errors are refusals by the kernel, by errno.
// After any error the Conn can be used again.
func (c *Conn) Dump(req Request, each func(*Socket)) error {
	if err := c.dump(&req, each); err != nil {
		return fmt.Errorf("dump TCP sockets: %w", err)
	}
	return nil
}

func (c *Conn) dump(req *Request, each func(*Socket)) error {
	if err := req.check(); err != nil {
		return err
	}
	c.body = req.appendBody(c.body[:0])
	kind, info := req.kind(), req.Info
	ask := nlwire.Request{Type: kind, Dump: true, Body: c.body, Answer: kind, Stop: req.Stop}
	return c.nl.Do(&ask, func(body []byte) bool {
		if !c.sock.decode(body, info) {
			return false
		}
		each(&c.sock)
		return true
	})
}
