package survey

import (
	"net/netip"
	"time"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/process"
)

// Keepalive says whether a connection asks its peer now and then whether it is still there.
type Keepalive string

// A connection that has data under way has its one timer busy with that, so that the kernel does
// not tell whether keepalive is on.
const (
	KeepaliveOn      Keepalive = "on"
	KeepaliveOff     Keepalive = "off"
	KeepaliveUnknown Keepalive = "unknown"
)

// Values of idiag_timer (inet_sk_diag_fill in net/ipv4/inet_diag.c).
const (
	timerNone       = 0
	timerRetransmit = 1
	timerKeepalive  = 2
	timerProbe      = 4
)

// Connection is one socket of a list.
type Connection struct {
	State     inetdiag.State
	Local     netip.AddrPort
	Remote    netip.AddrPort
	Inbound   bool   // it came in through a listener of this host
	Receive   uint32 // bytes the process has not read
	Send      uint32 // bytes the peer has not acknowledged
	UID       uint32 // owner
	Inode     uint32 // 0: no process holds it
	Idle      time.Duration
	Keepalive Keepalive
	Unheard   int    // keepalive probes, or retransmissions, without an answer
	Waits     string // "", "retransmit" or "zero-window": why data is not sent
	Holders   []process.Holder
}

// newConnection copies what is kept of a socket.
func newConnection(s *inetdiag.Socket, inbound bool) Connection {
	c := Connection{State: StateOf(s), Local: s.Local(), Remote: s.Remote(), Inbound: inbound, Receive: s.RQueue, Send: s.WQueue,
		UID: s.UID, Inode: s.Inode, Idle: idle(s), Keepalive: KeepaliveUnknown, Unheard: int(s.Retrans)}
	switch s.Timer {
	case timerNone:
		c.Keepalive = KeepaliveOff
	case timerKeepalive:
		c.Keepalive = KeepaliveOn
	case timerRetransmit:
		c.Waits = "retransmit"
	case timerProbe:
		c.Waits = "zero-window"
	}
	return c
}

// Accepted reports whether the application has the connection, or had it: one in ESTABLISHED or
// CLOSE_WAIT that nobody holds waits in the accept queue.
func (c *Connection) Accepted() bool {
	return c.Inode != 0 || c.State != inetdiag.Established && c.State != inetdiag.CloseWait
}

// idle returns how long a socket has carried no data either way; keepalive probes are no data. The
// kernel counts milliseconds in 32 bits, so that it starts again at 0 after 49 days. It is 0 where
// the dump had no tcp_info.
func idle(s *inetdiag.Socket) time.Duration {
	if !s.HasInfo {
		return 0
	}
	return min(s.Info.LastDataSent, s.Info.LastDataRecv)
}
