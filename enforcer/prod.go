package enforcer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
)

// Values of TCP_REPAIR and of TCP_REPAIR_QUEUE (linux/tcp.h).
const (
	repairOff = 0
	repairOn  = 1
	recvQueue = 1
	sendQueue = 2
)

// prod sends one empty segment to the server of a cut connection in the client's name, with sequence
// numbers that are made up. The server's kernel answers such a segment with an acknowledgement that
// carries the true ones (RFC 9293, section 3.10.7.4), and our rules answer that with the reset which
// frees its socket (see compiler.cut). Without it a server that has nothing to say would keep the connection of
// a silent client until its own time-out.
//
// Such a segment changes nothing at a server for which there is no cut: it can neither carry data nor
// end anything.
//
// The segment is sent by a socket that is put into the middle of a connection (TCP_REPAIR) and taken out
// of it again without another packet. It needs CAP_NET_ADMIN and sockets of AF_INET and AF_INET6, for a
// client's port below 1024 (net.ipv4.ip_unprivileged_port_start) CAP_NET_BIND_SERVICE as well
// (unix.EACCES), and takes some 20 microseconds. It works in the calling thread's network namespace.
//
// Nothing is sent where an end has a link-local IPv6 address, whose packets only a bridge passes on: which
// link it is of conntrack does not say.
func prod(f *flow) error {
	if linkLocal6(f.reply.From().Addr()) || linkLocal6(f.reply.To().Addr()) {
		return nil
	}
	family, level, transparent := unix.AF_INET, unix.SOL_IP, unix.IP_TRANSPARENT
	if f.reply.From().Addr().Is6() {
		family, level, transparent = unix.AF_INET6, unix.SOL_IPV6, unix.IPV6_TRANSPARENT
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	if err != nil {
		return fmt.Errorf("open a TCP socket: %w", err)
	}
	set := func(level, option, value int) {
		if err == nil {
			err = unix.SetsockoptInt(fd, level, option, value)
		}
	}
	set(level, transparent, 1)
	set(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	set(unix.SOL_TCP, unix.TCP_REPAIR, repairOn)
	if err == nil {
		err = unix.Bind(fd, endpoint(&f.reply, false))
	}
	for _, queue := range []int{sendQueue, recvQueue} {
		set(unix.SOL_TCP, unix.TCP_REPAIR_QUEUE, queue)
		set(unix.SOL_TCP, unix.TCP_QUEUE_SEQ, int(int32(rand.Uint32())))
	}
	if err == nil {
		err = unix.Connect(fd, endpoint(&f.reply, true))
	}
	set(unix.SOL_TCP, unix.TCP_REPAIR, repairOff) // which sends the segment
	set(unix.SOL_TCP, unix.TCP_REPAIR, repairOn)  // so that closing sends none
	if err != nil {
		err = fmt.Errorf("stand in for a client: %w", err)
	}
	return errors.Join(err, unix.Close(fd))
}

func linkLocal6(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

// endpoint returns an end of the connection as the server sees it: its own or the client's.
func endpoint(reply *ctnetlink.Tuple, server bool) unix.Sockaddr {
	at := reply.To()
	if server {
		at = reply.From()
	}
	if at.Addr().Is6() {
		return &unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16()}
	}
	return &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}
}
