package nstest

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// abort makes close(2) send a reset and forget the connection (SO_LINGER of socket(7)).
var abort = &unix.Linger{Onoff: 1}

// Reset closes the socket now, with a reset instead of a FIN.
func (s *Sock) Reset() {
	s.tb.Helper()
	s.must("set SO_LINGER", unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, abort))
	s.Close()
}

// Greet accepts n connections one after the other, sends each a byte, waits for its end and closes
// it. It is for goroutines beside the test, and so returns its error.
func (s *Sock) Greet(n int) error {
	for range n {
		fd, _, err := unix.Accept4(s.fd, unix.SOCK_CLOEXEC)
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		if _, err = unix.Write(fd, []byte{0}); err == nil {
			// Ends with the peer's reset or FIN, whichever it chose.
			_, _ = unix.Read(fd, make([]byte, 1))
		}
		if err := errors.Join(err, unix.Close(fd)); err != nil {
			return fmt.Errorf("greet: %w", err)
		}
	}
	return nil
}

// Churn connects n times, from each address in turn, to a server that greets with a byte, and
// resets every connection once it has come: the server is sure to have had it then. The calling
// thread's namespace is where it connects from.
func Churn(n int, from []netip.Addr, to netip.AddrPort) error {
	for i := range n {
		if err := connectAndReset(from[i%len(from)], to); err != nil {
			return fmt.Errorf("connection %d of %d: %w", i+1, n, err)
		}
	}
	return nil
}

func connectAndReset(from netip.Addr, to netip.AddrPort) error {
	family := unix.AF_INET
	if from.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return fmt.Errorf("open TCP socket: %w", err)
	}
	defer unix.Close(fd)
	for _, o := range []Option{{unix.IPPROTO_IP, unix.IP_FREEBIND, 1}, {unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1}} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("setsockopt: %w", err)
		}
	}
	if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(from, 0), from.Is6())); err != nil {
		return fmt.Errorf("bind to %v: %w", from, err)
	}
	if err := unix.Connect(fd, sockaddr(to, from.Is6())); err != nil {
		return fmt.Errorf("connect to %v: %w", to, err)
	}
	if _, err := unix.Read(fd, make([]byte, 1)); err != nil {
		return fmt.Errorf("read the greeting: %w", err)
	}
	return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, abort)
}

// FastOpen makes a listener take data with the SYN (TCP_FASTOPEN of tcp(7)).
var FastOpen = Option{unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 16}
