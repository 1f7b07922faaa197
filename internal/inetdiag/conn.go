package inetdiag

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// receiveBuffer is what the kernel fills at most in one read of a dump (netlink_recvmsg in
// net/netlink/af_netlink.c): 261 sockets. A larger one does not help, a smaller one hurts.
const receiveBuffer = 32 << 10

// Conn is a connection to the kernel's socket diagnostics. It is not safe for concurrent use, and
// its methods must not be called from within the callback of Dump. One Conn serves any number of
// requests, one after the other; it keeps 32 KiB and one netlink socket until Close.
type Conn struct {
	wire wire
	buf  []byte
	req  []byte // scratch for the request
	sock Socket // scratch handed to callbacks
	seq  uint32
	// open is true while a dump was begun and not read to its end. The kernel refuses a second
	// one (EBUSY) until the rest has been read.
	open bool
	busy bool // inside a call: catches calls from a callback
}

// errBusy is a bug of the caller's, not a condition.
var errBusy = errors.New("the connection is in use: it takes one request at a time, and none from within a callback")

// Open opens a Conn in the network namespace of the calling thread. It stays there, whatever
// thread uses it later.
func Open() (*Conn, error) {
	s, err := openSocket()
	if err != nil {
		return nil, fmt.Errorf("open inet_diag: %w", err)
	}
	return newConn(s), nil
}

func newConn(w wire) *Conn {
	return &Conn{wire: w, buf: make([]byte, receiveBuffer)}
}

// Close gives the netlink socket back. The Conn cannot be used afterwards.
func (c *Conn) Close() error { return c.wire.close() }

// Dump calls each for every socket req asks for, in no order, always with the same *Socket. It
// returns nil if the kernel has reported all of them. With ErrInterrupted, ErrOverrun,
// ErrTruncated, ErrMalformed, ErrTimeout or ErrStopped some may be missing: the caller marks what
// it made of them as incomplete. Other errors are refusals by the kernel, by errno. After any
// error the Conn can be used again.
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
	if c.busy {
		return errBusy
	}
	c.busy = true
	defer func() { c.busy = false }()
	if err := c.drain(); err != nil {
		return fmt.Errorf("read the rest of an earlier dump: %w", err)
	}
	c.seq++
	c.req = req.appendDump(c.req[:0], c.seq)
	if err := c.wire.send(c.req); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	c.open = true
	a := answer{seq: c.seq, kind: req.kind(), info: req.Info, sock: &c.sock, each: each}
	return c.receive(&a, req.Stop)
}

// receive reads until the kernel has said its last word. A loss does not end it: what is left is
// still worth having, and the dump has to be read to its end anyway.
func (c *Conn) receive(a *answer, stop func() bool) error {
	for {
		if stop != nil && stop() {
			return ErrStopped
		}
		n, from, err := c.wire.recv(c.buf, true)
		switch {
		case err == unix.ENOBUFS:
			a.blame(ErrOverrun)
			continue
		case err == unix.EAGAIN:
			return ErrTimeout
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		case from != 0: // not the kernel
			continue
		case n > len(c.buf):
			a.blame(ErrTruncated)
			n = len(c.buf)
		}
		a.feed(c.buf[:n])
		if a.done {
			c.open = false
			return a.result()
		}
	}
}

// drain reads what an abandoned dump still has to say. The kernel makes the next piece while the
// last is being read, so an empty queue means that there is none.
func (c *Conn) drain() error {
	for c.open {
		n, from, err := c.wire.recv(c.buf, false)
		switch {
		case err == unix.EAGAIN:
			c.open = false
		case err == unix.ENOBUFS:
		case err != nil:
			return err
		case from == 0:
			a := answer{seq: c.seq, sock: &c.sock}
			a.feed(c.buf[:min(n, len(c.buf))])
			c.open = !a.done
		}
	}
	return nil
}
