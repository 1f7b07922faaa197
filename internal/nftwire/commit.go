package nftwire

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// mostBatch bounds a batch: the kernel doubles the send buffer we ask for, which is a signed 32-bit
// number.
const mostBatch = math.MaxInt32/2 - 1<<10

// Commit sends a batch as one transaction and returns when the kernel has carried it out: nil if all
// of it holds. A *Refusal says that nothing of it does and why. ErrNoVerdict says that the answer
// was lost for want of memory, and that the caller must look. Other errors mean that nothing was
// sent. An empty batch is not sent. Needs CAP_NET_ADMIN (a Refusal with unix.EPERM).
//
// The kernel copies the batch once, as it is, and holds the lock under which rules are changed until
// it is done: about a second for 1,000,000 elements.
func (s *Socket) Commit(b *Batch) error {
	if b.Len() == 0 {
		return nil
	}
	first := s.seq + 1
	b.buf = b.seal(first)
	s.seq = first + uint32(b.Len()) + 1
	defer b.unseal()
	if err := s.reserve(len(b.buf)); err != nil {
		return err
	}
	// What an earlier process, or an earlier transaction, has left unread.
	if err := s.receive(nil); err != nil {
		return err
	}
	if err := nlwire.Send(s.fd, b.buf); err != nil {
		return fmt.Errorf("send transaction of %d bytes: %w", len(b.buf), err)
	}
	v := verdict{first: first, last: first + uint32(b.Len())}
	if err := s.receive(&v); err != nil {
		return err
	}
	return v.result()
}

// unseal takes the end of the batch off again.
func (b *Batch) unseal() { b.buf = b.buf[:len(b.buf)-envelope] }

// reserve enlarges the send buffer: the kernel takes a batch in one piece or not at all.
func (s *Socket) reserve(size int) error {
	if size <= s.sent {
		return nil
	}
	if size > mostBatch {
		return fmt.Errorf("a transaction of %d bytes: the kernel takes %d at most", size, mostBatch)
	}
	want := max(size+1<<10, 1<<18)
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, want); err != nil {
		// Not privileged: net.core.wmem_max bounds what we get, and the kernel says if it is too
		// little (EMSGSIZE).
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, want); err != nil {
			return fmt.Errorf("set send buffer of nf_tables socket: %w", err)
		}
		return nil
	}
	s.sent = want
	return nil
}

// mostLosses bounds how many receipts in a row may tell of a loss or an interruption.
const mostLosses = 100

// receive reads whatever waits in the queue, where the answer to a transaction is complete when
// nlwire.Send returns. ENOBUFS says that something did not fit: a verdict that is missing for it is noticed by
// its absence.
func (s *Socket) receive(v *verdict) error {
	for losses := 0; ; {
		n, _, flags, _, err := unix.Recvmsg(s.fd, s.buf[:], nil, unix.MSG_DONTWAIT)
		switch {
		case (err == unix.EINTR || err == unix.ENOBUFS) && losses < mostLosses:
			losses++
		case err == unix.EAGAIN, err == unix.EINTR, err == unix.ENOBUFS:
			return nil
		case err != nil:
			return fmt.Errorf("read answer to transaction: %w", err)
		case v != nil:
			v.feed(s.buf[:n], flags&unix.MSG_TRUNC != 0)
		}
	}
}
