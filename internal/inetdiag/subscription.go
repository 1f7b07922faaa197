package inetdiag

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// noticeLen is room for one datagram: a notification has 380 bytes today.
const noticeLen = 4 << 10

// Subscription hears of every TCP socket of a network namespace that the kernel destroys
// (multicast groups SKNLGRP_INET_TCP_DESTROY and SKNLGRP_INET6_TCP_DESTROY, what ss -E reads), and
// tells of those that were connections with a completed handshake. Reading costs about 1.3 us for
// each; making it costs the kernel about 3 us, most of it in a worker of its own.
//
// What the kernel notifies of (sock_diag_broadcast_destroy in net/core/sock_diag.c), each found
// out by the tests beside this:
//
//   - A connection is notified of once, when the protocol and the process are both done with it:
//     at close(2) if it was reset or destroyed (SOCK_DESTROY) before, when it passes into
//     TIME_WAIT if this side sent the first FIN, after LAST_ACK otherwise. Its TIME_WAIT remnant
//     ends without a notification. So what an application leaks in CLOSE_WAIT is not heard of,
//     and what was reset in the accept queue only after accept(2).
//   - A connection that was never accepted is, when its listener is closed.
//   - Request sockets, which are half-open connections, are never: neither a SYN flood nor SYN
//     cookies show, nor what TCP_DEFER_ACCEPT holds back.
//   - Listeners, unconnected sockets and refused attempts are, with the host's outgoing
//     connections; all but the last are left out here. Outgoing ones look like any other: the
//     caller tells them by their local port.
//   - With MPTCP each subflow is a connection.
//
// Addresses, local port and the cookie in the ID are as in a dump; a dual-stack listener's
// connections are AF_INET6 with mapped addresses. What its own process aborted (SO_LINGER of 0),
// and what its listener took with it, has lost the peer's port, tcp_info's counts, and, unless the
// listener was bound to one address, its local address: RemotePort is 0 and LocalAddr unspecified,
// :: if the family is AF_INET6. State is always Close; UID, Inode and timers are not filled in.
//
// A Subscription belongs to one goroutine, apart from Wake.
type Subscription struct {
	group  multicast
	buf    []byte
	notice notices
	seen   uint32 // what dropped said last
	lost   uint64
	member bool
}

// Subscribe opens a Subscription in the network namespace of the calling thread, where it stays,
// whatever thread uses it later. It hears nothing before Listen. It needs no privilege, but
// without CAP_NET_ADMIN the receive buffer is as small as net.core.rmem_max.
func Subscribe() (*Subscription, error) {
	g, err := openGroups(noticeBuffer)
	if err != nil {
		return nil, fmt.Errorf("subscribe to destroyed sockets: %w", err)
	}
	return newSubscription(g), nil
}

func newSubscription(g multicast) *Subscription {
	return &Subscription{group: g, buf: make([]byte, noticeLen)}
}

// Listen begins to hear of destroyed sockets, or stops. While nobody listens the kernel does no
// work for it; what was heard before can still be read. It does nothing if nothing changes.
func (s *Subscription) Listen(on bool) error {
	if on == s.member {
		return nil
	}
	if err := s.group.member(on); err != nil {
		return fmt.Errorf("listen to destroyed sockets: %w", err)
	}
	s.member = on
	return nil
}

// Wait returns when there is something to read, after a Wake, or after d at the latest. It may
// return early for no reason.
func (s *Subscription) Wait(d time.Duration) error { return s.group.wait(max(d, 0), false) }

// Sleep returns after a Wake, or after d at the latest, whatever there is to read.
func (s *Subscription) Sleep(d time.Duration) error { return s.group.wait(max(d, 0), true) }

// Wake ends the present Wait or Sleep, or else the next one. It may be called from any goroutine,
// but not after Close.
func (s *Subscription) Wake() error { return s.group.wake() }

// Read takes up to limit notifications without waiting, and calls each for every connection among
// them, always with the same *Socket. It returns true if there may be more. Losses and malformed
// messages are no error: Lost counts them.
func (s *Subscription) Read(limit int, each func(*Socket)) (more bool, err error) {
	for range limit {
		n, from, err := s.group.Recv(s.buf, false)
		switch {
		case err == unix.EAGAIN:
			return false, nil
		case err == unix.ENOBUFS: // Lost asks how many
		case err != nil:
			return false, fmt.Errorf("receive notification: %w", err)
		case from != 0: // not the kernel
		case n > len(s.buf):
			s.notice.broken++
		default:
			s.notice.feed(s.buf[:n], each)
		}
	}
	return true, nil
}

// Lost returns how many notifications were lost so far, of sockets of any kind: those the kernel
// had no room for in the receive buffer (ENOBUFS), and those that could not be decoded.
func (s *Subscription) Lost() (uint64, error) {
	dropped, err := s.group.dropped()
	if err != nil {
		return 0, err
	}
	s.lost += uint64(dropped - s.seen)
	s.seen = dropped
	return s.lost + s.notice.broken, nil
}

// Close gives socket and descriptors back. The Subscription cannot be used afterwards.
func (s *Subscription) Close() error { return s.group.Close() }
