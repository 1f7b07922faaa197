package lab

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// gate is a net.Listener that accepts only while its server has a free slot. It takes the slot when
// a connection waits, not before, so that listeners which share the slots do not hoard them.
type gate struct {
	server *Server
	at     net.Addr
	file   *os.File
	pause  time.Duration // before each connection is taken
	done   chan struct{}
	once   sync.Once
}

func newGate(s *Server, at netip.AddrPort, f *os.File, pause time.Duration) *gate {
	return &gate{server: s, at: net.TCPAddrFromAddrPort(at), file: f, pause: pause, done: make(chan struct{})}
}

func closeAll(gates []*gate) {
	for _, g := range gates {
		g.Close()
	}
}

// Accept waits for a connection and for a slot, in this order.
func (g *gate) Accept() (net.Conn, error) {
	for {
		if err := g.await(); err != nil {
			return nil, err
		}
		select {
		case g.server.slots <- struct{}{}:
		case <-g.done:
			return nil, net.ErrClosed
		}
		if err := g.linger(); err != nil {
			<-g.server.slots
			return nil, err
		}
		c, err := g.take()
		if err == nil {
			return c, nil
		}
		<-g.server.slots
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EINTR):
		default:
			return nil, err
		}
	}
}

// linger lets the time pass that the server takes over a connection, and that of a Stall.
func (g *gate) linger() error {
	if g.pause > 0 {
		timer := time.NewTimer(g.pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-g.done:
			return net.ErrClosed
		}
	}
	select {
	case <-g.server.stall.over():
		return nil
	case <-g.done:
		return net.ErrClosed
	}
}

// waiting returns how many connections wait in the accept queue: what tcp_get_info of the kernel's
// net/ipv4/tcp.c puts into tcpi_unacked of a listening socket. None once the gate is closed.
func (g *gate) waiting() int {
	raw, err := g.file.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	// An error of Control means that the gate was closed meanwhile.
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = int(info.Unacked)
		}
	})
	return n
}

// await returns when the accept queue is not empty.
func (g *gate) await() error {
	raw, err := g.file.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Read(func(fd uintptr) bool { return isReady(int(fd), unix.POLLIN) })
}

// take accepts one connection, without waiting. The bare errno is a net.Error, by which net/http
// tells what passes (EMFILE) from what does not.
func (g *gate) take() (net.Conn, error) {
	raw, err := g.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var peer unix.Sockaddr
	var accepted error
	err = raw.Control(func(l uintptr) {
		fd, peer, accepted = unix.Accept4(int(l), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	})
	if err != nil {
		return nil, err
	}
	if accepted != nil {
		return nil, accepted
	}
	remote := addrPort(peer)
	g.server.accepted.Add(1)
	g.server.holders.add(remote.Addr(), 1)
	return &slotConn{
		stream: os.NewFile(uintptr(fd), "accepted connection"),
		server: g.server, local: g.at, remote: remote,
	}, nil
}

// Close ends Accept.
func (g *gate) Close() error {
	err := net.ErrClosed
	g.once.Do(func() {
		close(g.done)
		err = g.file.Close()
	})
	return err
}

// Addr returns the address listened on.
func (g *gate) Addr() net.Addr { return g.at }

// stream is the part of os.File that a connection needs. Nothing more may shine through: net/http
// would take os.File's ReadFrom for a short cut.
type stream interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// slotConn is an accepted connection. Closing it gives back its slot, once, unless the server leaks.
type slotConn struct {
	stream
	server *Server
	local  net.Addr
	remote netip.AddrPort
	closed sync.Once
	cut    sync.Once
}

func (c *slotConn) Read(b []byte) (int, error) {
	n, err := c.stream.Read(b)
	return n, c.note(err)
}

func (c *slotConn) Write(b []byte) (int, error) {
	n, err := c.stream.Write(b)
	return n, c.note(err)
}

// note counts a connection that was cut, once. ECONNABORTED is what SOCK_DESTROY leaves.
func (c *slotConn) note(err error) error {
	if errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.ECONNABORTED) || errors.Is(err, unix.EPIPE) {
		c.cut.Do(func() { c.server.aborted.Add(1) })
	}
	return err
}

func (c *slotConn) Close() error {
	err := net.ErrClosed
	c.closed.Do(func() {
		err = nil
		if !c.server.leaks.keep(c) {
			err = c.free()
		}
	})
	return err
}

// free closes the socket and gives back the slot.
func (c *slotConn) free() error {
	err := c.stream.Close()
	c.server.holders.add(c.remote.Addr(), -1)
	<-c.server.slots
	return err
}

func (c *slotConn) LocalAddr() net.Addr  { return c.local }
func (c *slotConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// holders counts connections by source; it never has more entries than the server has slots.
type holders struct {
	mu   sync.Mutex
	held map[netip.Addr]int
}

func (h *holders) add(source netip.Addr, delta int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[source] += delta; h.held[source] == 0 {
		delete(h.held, source)
	}
}

func (h *holders) counts() map[netip.Addr]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.held)
}
