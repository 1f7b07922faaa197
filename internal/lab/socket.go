package lab

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// sockaddr converts for the system calls.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// addrPort converts back; mapped addresses come out as IPv4.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// family returns the socket family of an address. A mapped address belongs to no wire here.
func family(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// checkPath reports what is wrong with connections from sources to target.
func checkPath(sources []netip.Addr, target netip.AddrPort) error {
	if !target.IsValid() || target.Port() == 0 || target.Addr().IsUnspecified() || target.Addr().Is4In6() {
		return fmt.Errorf("target %s: want a plain IPv4 or IPv6 address and a port", target)
	}
	if len(sources) == 0 {
		return fmt.Errorf("no source addresses given, at least one is needed")
	}
	for _, s := range sources {
		if !s.IsValid() || family(s) != family(target.Addr()) {
			return fmt.Errorf("source %s and target %s are of different families", s, target.Addr())
		}
	}
	return nil
}

// startConnect begins a TCP connection on a non-blocking socket of the calling thread's namespace
// and returns without waiting for the handshake.
func startConnect(from netip.Addr, to netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(family(from), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := bindAndConnect(fd, from, to); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func bindAndConnect(fd int, from netip.Addr, to netip.AddrPort) error {
	// The ranges are local by route, not by address; IPv6 lets nobody bind to such a source
	// unless asked. The port is chosen at connect, by the whole tuple: a source can then hold
	// as many connections as there are ports per target.
	level, freebind := unix.IPPROTO_IP, unix.IP_FREEBIND
	if from.Is6() {
		level, freebind = unix.IPPROTO_IPV6, unix.IPV6_FREEBIND
	}
	if err := unix.SetsockoptInt(fd, level, freebind, 1); err != nil {
		return os.NewSyscallError("setsockopt FREEBIND", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return os.NewSyscallError("setsockopt IP_BIND_ADDRESS_NO_PORT", err)
	}
	if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(from, 0))); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil && err != unix.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	return nil
}

// socketError returns and clears a socket's pending error.
func socketError(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("getsockopt SO_ERROR", err)
	}
	if code != 0 {
		return os.NewSyscallError("connect", unix.Errno(code))
	}
	return nil
}

// isReady polls one descriptor for events without waiting. Errors and hang-ups are ready, too: the
// next call on the descriptor reports them.
func isReady(fd int, events int16) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		n, err := unix.Poll(p, 0)
		if err != unix.EINTR {
			return n > 0 || err != nil
		}
	}
}

// listen makes a listening, non-blocking socket in the calling thread's namespace. The kernel cuts
// the backlog to net.core.somaxconn. The unspecified IPv6 address serves IPv4, too, unless only6.
func listen(at netip.AddrPort, only6 bool, backlog int) (*os.File, error) {
	fd, err := unix.Socket(family(at.Addr()), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := bindAndListen(fd, at, only6, backlog); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	return os.NewFile(uintptr(fd), "listener "+at.String()), nil
}

func bindAndListen(fd int, at netip.AddrPort, only6 bool, backlog int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("setsockopt SO_REUSEADDR", err)
	}
	if at.Addr().Is6() {
		value := 0
		if only6 {
			value = 1
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, value); err != nil {
			return os.NewSyscallError("setsockopt IPV6_V6ONLY", err)
		}
	}
	if err := unix.Bind(fd, sockaddr(at)); err != nil {
		return os.NewSyscallError("bind", err)
	}
	return os.NewSyscallError("listen", unix.Listen(fd, backlog))
}
