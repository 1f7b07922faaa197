package nlwire

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// receiveBuffer is what the kernel fills at most in one read of a dump (netlink_recvmsg in
// net/netlink/af_netlink.c). A larger one does not help, a smaller one hurts.
const receiveBuffer = 32 << 10

// Conn is a connection to one part of the kernel. It is not safe for concurrent use, and Do must
// not be called from within its callback. One Conn serves any number of requests, one after the
// other; it keeps 32 KiB and one netlink socket until Close.
type Conn struct {
	wire wire
	buf  []byte
	req  []byte // scratch for the request
	seq  uint32
	// open is true while a request was begun and not read to its end. The kernel refuses a second
	// dump (EBUSY) until the rest of the first has been read.
	open bool
	busy bool // inside a call: catches calls from a callback
}

// Open opens a Conn for a netlink protocol (NETLINK_NETFILTER, ...) in the network namespace of
// the calling thread. It stays there, whatever thread uses it later.
func Open(protocol int) (*Conn, error) {
	s, err := OpenSocket(protocol)
	if err != nil {
		return nil, fmt.Errorf("open netlink protocol %d: %w", protocol, err)
	}
	return newConn(s), nil
}

func newConn(w wire) *Conn {
	return &Conn{wire: w, buf: make([]byte, receiveBuffer)}
}

// Close gives the netlink socket back. The Conn cannot be used afterwards.
func (c *Conn) Close() error { return c.wire.Close() }

// Do sends a request and calls each with the body of every message of its answer. The bytes are
// valid during the call only. each returns false for a body it cannot decode, which ends nothing
// but makes the result ErrMalformed.
//
// It returns nil if the answer is whole. With an error that is Incomplete something may be missing.
// Other errors are refusals by the kernel, by errno. After any error the Conn can be used again.
func (c *Conn) Do(req *Request, each func(body []byte) bool) error {
	if c.busy {
		return errBusy
	}
	c.busy = true
	defer func() { c.busy = false }()
	if err := c.drain(); err != nil {
		return fmt.Errorf("read the rest of an earlier answer: %w", err)
	}
	c.seq++
	c.req = req.appendTo(c.req[:0], c.seq)
	if err := c.wire.send(c.req); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	c.open = true
	a := answer{seq: c.seq, kind: req.Answer}
	return c.receive(&a, each, req.Stop)
}

// receive reads until the kernel has said its last word. A loss does not end it: what is left is
// still worth having, and a dump has to be read to its end anyway, unless there is nothing but losses.
func (c *Conn) receive(a *answer, each func(body []byte) bool, stop func() bool) error {
	losses := 0
	for {
		if stop != nil && stop() {
			return ErrStopped
		}
		n, from, err := c.wire.Recv(c.buf, true)
		switch {
		case err == unix.ENOBUFS:
			a.blame(ErrOverrun)
			if losses++; losses == mostTries {
				return a.result()
			}
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
		a.feed(c.buf[:n], each)
		if a.done {
			c.open = false
			return a.result()
		}
	}
}

// drain reads what an abandoned answer still has to say. The kernel makes the next piece of a dump
// while the last is being read, so an empty queue means that there is none.
func (c *Conn) drain() error {
	losses := 0
	for c.open {
		n, from, err := c.wire.Recv(c.buf, false)
		switch {
		case err == unix.EAGAIN:
			c.open = false
		case err == unix.ENOBUFS && losses < mostTries:
			losses++
		case err != nil:
			return err
		case from == 0:
			a := answer{seq: c.seq}
			a.feed(c.buf[:min(n, len(c.buf))], nil)
			c.open = !a.done
		}
	}
	return nil
}
