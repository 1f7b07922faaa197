package nlwire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// MaxBatch is how many requests one Batch carries at most. Their refusals are all queued before the
// first is read, and have to fit into the socket's receive buffer: 256 of them take about a fifth.
const MaxBatch = 256

// Batch sends requests of one type together, in one system call, and calls each with the number of
// every one that the kernel refused and its errno, in their order. The kernel works them off one
// after the other; a refusal ends nothing.
//
// Only the last request asks for an acknowledgement: netlink answers the others where it refuses
// them and is silent where it does not (netlink_rcv_skb in net/netlink/af_netlink.c), so that a
// request that is done costs nothing to read.
//
// It returns nil if the kernel has answered to all. With ErrOverrun, ErrTruncated, ErrMalformed or
// ErrTimeout some refusals may be missing: of which requests is not known. Other errors are of the
// sending, and then none was done. After any error the Conn can be used again.
func (c *Conn) Batch(kind uint16, bodies [][]byte, each func(i int, errno unix.Errno)) error {
	switch {
	case c.busy:
		return errBusy
	case len(bodies) > MaxBatch:
		return fmt.Errorf("a batch of %d requests: at most %d are allowed", len(bodies), MaxBatch)
	case len(bodies) == 0:
		return nil
	}
	c.busy = true
	defer func() { c.busy = false }()
	if err := c.drain(); err != nil {
		return fmt.Errorf("read the rest of an earlier answer: %w", err)
	}
	b := batch{first: c.seq + 1, last: c.seq + uint32(len(bodies))}
	c.seq = b.last
	c.req = c.req[:0]
	for i, body := range bodies {
		flags := uint16(unix.NLM_F_REQUEST)
		if i == len(bodies)-1 {
			flags |= unix.NLM_F_ACK
		}
		c.req = append(AppendHeader(c.req, kind, flags, b.first+uint32(i), len(body)), body...)
		c.req = pad(c.req, len(body))
	}
	if err := c.wire.send(c.req); err != nil {
		return fmt.Errorf("send requests: %w", err)
	}
	return c.collect(&b, each)
}

// collect reads until the kernel has answered to the last request.
func (c *Conn) collect(b *batch, each func(i int, errno unix.Errno)) error {
	for !b.done {
		n, from, err := c.wire.Recv(c.buf, true)
		switch {
		case err == unix.ENOBUFS:
			// The last acknowledgement may be among what was lost: do not wait for it.
			b.blame(ErrOverrun)
			return errors.Join(b.flaw, c.rest(b, each))
		case err == unix.EAGAIN:
			b.blame(ErrTimeout)
			return b.flaw
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		case from != 0: // not the kernel
			continue
		}
		b.feed(c.buf[:min(n, len(c.buf))], n, each)
	}
	return b.flaw
}

// rest reads what is queued and no more.
func (c *Conn) rest(b *batch, each func(i int, errno unix.Errno)) error {
	losses := 0
	for !b.done {
		n, from, err := c.wire.Recv(c.buf, false)
		switch {
		case err == unix.EAGAIN:
			return nil
		case err == unix.ENOBUFS && losses < mostTries:
			losses++
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		case from == 0:
			b.feed(c.buf[:min(n, len(c.buf))], n, each)
		}
	}
	return nil
}

// batch decodes the answers to several requests. It touches no socket: bytes in, calls of each out.
type batch struct {
	first, last uint32 // sequence numbers
	done        bool   // the last one was answered
	flaw        error  // first reason why what was seen is not all
}

func (b *batch) blame(flaw error) {
	if b.flaw == nil {
		b.flaw = flaw
	}
}

// feed takes one datagram, whose true length is given beside it.
func (b *batch) feed(data []byte, length int, each func(i int, errno unix.Errno)) {
	if length > len(data) {
		b.blame(ErrTruncated)
	}
	m := Messages{Rest: data}
	for m.Next() {
		i := m.Seq - b.first
		if i > b.last-b.first || m.Kind == unix.NLMSG_NOOP {
			continue
		}
		if m.Kind != unix.NLMSG_ERROR || len(m.Body) < 4 {
			b.blame(ErrMalformed)
			continue
		}
		b.done = b.done || m.Seq == b.last
		switch code := int32(binary.NativeEndian.Uint32(m.Body)); {
		case code < 0:
			each(int(i), unix.Errno(-int64(code)))
		case code > 0:
			b.blame(ErrMalformed)
		}
	}
	if !m.Whole() && length <= len(data) {
		b.blame(ErrMalformed)
	}
}
