package crowd

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// backlog is the accept queue of each listener. A worker accepts after each connect, so that no
// more connections wait than workers connect.
const backlog = 1024

// acceptTimeout, in seconds, keeps a worker from waiting for ever for a connection that was lost.
const acceptTimeout = 20

// option is a socket option with a number as value.
type option struct{ level, name, value int }

// listen opens the listeners.
func (c *Crowd) listen(config *Config) error {
	for i := range config.Listeners {
		fd, err := openListener(i)
		if err != nil {
			return fmt.Errorf("listen on port %d: %w", FirstPort+i, err)
		}
		c.listeners = append(c.listeners, os.NewFile(uintptr(fd), fmt.Sprintf("listener %d", i)))
	}
	return nil
}

func openListener(i int) (int, error) {
	options := []option{{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}}
	local := netip.IPv4Unspecified()
	if k := kind(i); k != only4 {
		local = netip.IPv6Unspecified()
		only := 0
		if k == only6 {
			only = 1
		}
		options = append(options, option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only})
	}
	fd, err := open(local, options)
	if err != nil {
		return -1, err
	}
	timeout := unix.Timeval{Sec: acceptTimeout}
	if err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err == nil {
		if err = unix.Bind(fd, sockaddr(local, FirstPort+i)); err == nil {
			err = unix.Listen(fd, backlog)
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// connect makes one connection to a listener and accepts one from it: this one, or that of another
// worker which then accepts this one. Both ends stay open until the process ends.
func connect(p pair, listener int) error {
	// The sources are local by a route and assigned to no interface, hence FREEBIND.
	source, server, free := Source(p.source), Server4(), option{unix.IPPROTO_IP, unix.IP_FREEBIND, 1}
	if source.Is6() {
		server, free = Server6(), option{unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1}
	}
	fd, err := open(source, []option{free, {unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1}})
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, sockaddr(source, 0)); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if err := unix.Connect(fd, sockaddr(server, FirstPort+p.listener)); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	accepted, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	for _, end := range []int{fd, accepted} {
		// Closed by reset: half a million connections in TIME_WAIT would be in everybody's way.
		if err := unix.SetsockoptLinger(end, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
			return fmt.Errorf("set linger: %w", err)
		}
	}
	return nil
}

// open opens a TCP socket of the address's family.
func open(a netip.Addr, options []option) (int, error) {
	family := unix.AF_INET
	if a.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, fmt.Errorf("open socket: %w", err)
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			unix.Close(fd)
			return -1, fmt.Errorf("set socket option %d of level %d: %w", o.name, o.level, err)
		}
	}
	return fd, nil
}

func sockaddr(a netip.Addr, port int) unix.Sockaddr {
	if a.Is6() {
		return &unix.SockaddrInet6{Port: port, Addr: a.As16()}
	}
	return &unix.SockaddrInet4{Port: port, Addr: a.As4()}
}
