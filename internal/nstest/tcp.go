package nstest

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Sock is a TCP socket descriptor. It is closed at the end of the test, or before by Close.
type Sock struct {
	tb     testing.TB
	fd     int
	closed bool
}

// Option changes a socket before it is bound.
type Option struct{ level, name, value int }

// V6Only keeps an IPv6 listener from serving IPv4.
var V6Only = Option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1}

// DeferAccept keeps a connection that sends nothing in SYN_RECV on the server's side.
var DeferAccept = Option{unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 60}

// Listen opens a listener. An IPv6 one serves IPv4 as well unless V6Only is given.
func Listen(tb testing.TB, addr string, backlog int, opts ...Option) *Sock {
	tb.Helper()
	local := netip.MustParseAddrPort(addr)
	s := newSock(tb, local.Addr(), append([]Option{{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}}, opts...))
	s.must("bind", unix.Bind(s.fd, sockaddr(local, local.Addr().Is6())))
	s.must("listen", unix.Listen(s.fd, backlog))
	return s
}

// Dial connects from one address, which may be any local one, to another. Port 0 is any port.
func Dial(tb testing.TB, from, to string) *Sock {
	tb.Helper()
	s, remote, six := prepareDial(tb, from, to)
	s.must("connect", unix.Connect(s.fd, sockaddr(remote, six)))
	return s
}

// DialAsync begins to connect and does not wait for the handshake.
func DialAsync(tb testing.TB, from, to string) *Sock {
	tb.Helper()
	s, remote, six := prepareDial(tb, from, to)
	s.must("set non-blocking", unix.SetNonblock(s.fd, true))
	if err := unix.Connect(s.fd, sockaddr(remote, six)); err != unix.EINPROGRESS {
		s.must("begin to connect", err)
	}
	return s
}

// prepareDial opens a socket bound to from.
func prepareDial(tb testing.TB, from, to string) (s *Sock, remote netip.AddrPort, six bool) {
	tb.Helper()
	local, remote := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	six = local.Addr().Is6()
	opts := []Option{{unix.IPPROTO_IP, unix.IP_FREEBIND, 1}, {unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1}}
	if six {
		opts = append(opts, Option{unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1})
	}
	s = newSock(tb, local.Addr(), opts)
	s.must("bind", unix.Bind(s.fd, sockaddr(local, six)))
	return s, remote, six
}

// Accept takes a connection from a listener's queue, waiting for one if need be.
func (s *Sock) Accept() *Sock {
	s.tb.Helper()
	fd, _, err := unix.Accept4(s.fd, unix.SOCK_CLOEXEC)
	s.must("accept", err)
	return keep(s.tb, fd)
}

// Close closes the socket now.
func (s *Sock) Close() {
	s.tb.Helper()
	s.closed = true
	s.must("close", unix.Close(s.fd))
}

// CloseWrite sends a FIN and keeps the socket.
func (s *Sock) CloseWrite() {
	s.tb.Helper()
	s.must("shutdown", unix.Shutdown(s.fd, unix.SHUT_WR))
}

// Write sends b.
func (s *Sock) Write(b []byte) {
	s.tb.Helper()
	_, err := unix.Write(s.fd, b)
	s.must("write", err)
}

// Read returns the error of reading one byte.
func (s *Sock) Read() error {
	_, err := unix.Read(s.fd, make([]byte, 1))
	return err
}

// LocalPort returns the port the socket is bound to.
func (s *Sock) LocalPort() uint16 {
	s.tb.Helper()
	sa, err := unix.Getsockname(s.fd)
	s.must("getsockname", err)
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return uint16(a.Port)
	case *unix.SockaddrInet6:
		return uint16(a.Port)
	}
	s.tb.Fatalf("socket of an unknown family: %T", sa)
	return 0
}

func newSock(tb testing.TB, addr netip.Addr, opts []Option) *Sock {
	tb.Helper()
	family := unix.AF_INET
	if addr.Is6() {
		family = unix.AF_INET6
		opts = append([]Option{{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0}}, opts...)
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		tb.Fatalf("open TCP socket: %v", err)
	}
	s := keep(tb, fd)
	for _, o := range opts {
		s.must("setsockopt", unix.SetsockoptInt(fd, o.level, o.name, o.value))
	}
	return s
}

func keep(tb testing.TB, fd int) *Sock {
	s := &Sock{tb: tb, fd: fd}
	tb.Cleanup(func() {
		if !s.closed {
			s.Close()
		}
	})
	return s
}

func (s *Sock) must(what string, err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatalf("%s: %v", what, err)
	}
}

func sockaddr(a netip.AddrPort, six bool) unix.Sockaddr {
	if six {
		return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	}
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

// TryWrite sends b and returns the error, for sockets that may have been cut.
func (s *Sock) TryWrite(b []byte) error {
	_, err := unix.SendmsgN(s.fd, b, nil, nil, unix.MSG_NOSIGNAL)
	return err
}
