package ctnetlink

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Conn is a connection to the kernel's conntrack table. It is not safe for concurrent use, and its
// methods must not be called from within the callback of Dump. One Conn serves any number of
// requests, one after the other; it keeps 32 KiB and one netlink socket until Close.
type Conn struct {
	nl     asker
	body   []byte   // scratch for the request
	bodies [][]byte // likewise, for the requests of a batch
	entry  Entry    // scratch handed to callbacks
	plain  bool     // this kernel refused to select entries: it is not asked to again
}

// asker is the netlink connection as Conn sees it; tests put a fake in its place.
type asker interface {
	Do(req *nlwire.Request, each func(body []byte) bool) error
	Batch(kind uint16, bodies [][]byte, each func(i int, errno unix.Errno)) error
	Close() error
}

var _ asker = (*nlwire.Conn)(nil)

// Message types, with the subsystem NFNL_SUBSYS_CTNETLINK in the upper byte.
const (
	getEntries = unix.NFNL_SUBSYS_CTNETLINK<<8 | 1 // IPCTNL_MSG_CT_GET
	newEntry   = unix.NFNL_SUBSYS_CTNETLINK << 8   // IPCTNL_MSG_CT_NEW, which is 0
	getStats   = unix.NFNL_SUBSYS_CTNETLINK<<8 | 5 // IPCTNL_MSG_CT_GET_STATS
)

// Open opens a Conn in the network namespace of the calling thread. It stays there, whatever
// thread uses it later. It matches ErrNoConntrack where the kernel has no nfnetlink at all; where
// it lacks conntrack only, the first request says so.
func Open() (*Conn, error) {
	nl, err := nlwire.Open(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open conntrack: %w", explain(err))
	}
	return &Conn{nl: nl}, nil
}

// Close gives the netlink socket back. The Conn cannot be used afterwards.
func (c *Conn) Close() error { return c.nl.Close() }

// Dump calls each for every entry req asks for, in no order, always with the same *Entry. It
// returns nil if the kernel has reported all that were there from begin to end. Entries made or
// forgotten meanwhile may be among them or not, and where the kernel forgets the very entry at
// which a read of 32 KiB ended, it reports those of the same hash bucket again.
//
// With an error that is nlwire.Incomplete some may be missing: the caller marks what it made of them
// as incomplete. No kernel up to 6.18 marks a conntrack dump as interrupted. ErrNoConntrack says that
// there is no table. Other errors are refusals by the kernel, by errno. After any error the Conn can
// be used again.
func (c *Conn) Dump(req Request, each func(*Entry)) error {
	if err := c.dump(&req, each); err != nil {
		return fmt.Errorf("dump conntrack: %w", err)
	}
	return nil
}

func (c *Conn) dump(req *Request, each func(*Entry)) error {
	if err := req.check(); err != nil {
		return err
	}
	take := func(body []byte) bool {
		if !c.entry.decode(body) {
			return false
		}
		if req.matches(&c.entry) {
			each(&c.entry)
		}
		return true
	}
	plain := c.plain || !req.special()
	err := c.ask(req, plain, take)
	if !plain && refused(err) {
		err = c.ask(req, true, take)
		c.plain = !refused(err)
	}
	return explain(err)
}

func (c *Conn) ask(req *Request, plain bool, take func([]byte) bool) error {
	c.body = req.appendBody(c.body[:0], plain)
	return c.nl.Do(&nlwire.Request{Type: getEntries, Dump: true, Body: c.body, Answer: newEntry, Stop: req.Stop}, take)
}
