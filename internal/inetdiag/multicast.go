package inetdiag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// The multicast groups of destroyed TCP sockets (enum sknetlink_groups of linux/sock_diag.h).
var destroyGroups = [...]int{1, 3} // SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY

// noticeBuffer is the receive buffer asked for; the kernel doubles it. A notification takes 1,280
// bytes of it, so it holds 13,000. Nothing is allocated before notifications come.
const noticeBuffer = 8 << 20

// multicast is the netlink socket as Subscription sees it; tests put a script in its place.
type multicast interface {
	Recv(b []byte, wait bool) (n int, from uint32, err error)
	member(on bool) error
	// dropped returns how many messages the kernel had no room for since the socket was opened,
	// modulo 2^32.
	dropped() (uint32, error)
	// wait returns when there is something to read, unless deaf, after wake, or after d.
	wait(d time.Duration, deaf bool) error
	wake() error
	Close() error
}

// groupSocket is the real multicast.
type groupSocket struct {
	*nlwire.Socket
	event int // eventfd(2) that ends a wait
	polls [2]unix.PollFd
	count [8]byte // read from event; a field, so that it is not allocated
}

var _ multicast = (*groupSocket)(nil)

// openGroups opens a socket in the calling thread's network namespace, a member of no group yet.
func openGroups(buffer int) (*groupSocket, error) {
	s, err := nlwire.OpenSocket(unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open eventfd: %w", err), s.Close())
	}
	g := &groupSocket{Socket: s, event: event}
	if unix.SetsockoptInt(s.FD(), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		// Not privileged: net.core.rmem_max bounds what we get.
		if err := unix.SetsockoptInt(s.FD(), unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
			return nil, errors.Join(fmt.Errorf("set receive buffer: %w", err), g.Close())
		}
	}
	g.polls = [2]unix.PollFd{{Fd: int32(event), Events: unix.POLLIN}, {Fd: int32(s.FD()), Events: unix.POLLIN}}
	return g, nil
}

func (g *groupSocket) member(on bool) error {
	option, what := unix.NETLINK_DROP_MEMBERSHIP, "leave"
	if on {
		option, what = unix.NETLINK_ADD_MEMBERSHIP, "join"
	}
	for _, group := range destroyGroups {
		if err := unix.SetsockoptInt(g.FD(), unix.SOL_NETLINK, option, group); err != nil {
			return fmt.Errorf("%s multicast group %d: %w", what, group, err)
		}
	}
	return nil
}

// skMeminfoDrops is SK_MEMINFO_DROPS, the last of what SO_MEMINFO returns (linux/sock_diag.h).
const skMeminfoDrops = 8

func (g *groupSocket) dropped() (uint32, error) {
	var info [skMeminfoDrops + 1]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(g.FD()), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, fmt.Errorf("read what was dropped (SO_MEMINFO): %w", errno)
	}
	return info[skMeminfoDrops], nil
}

func (g *groupSocket) wait(d time.Duration, deaf bool) error {
	polls := g.polls[:]
	if deaf {
		polls = polls[:1]
	}
	// Rounded up: a wait that ends too soon is taken up again at once.
	_, err := unix.Poll(polls, int((d+time.Millisecond-1)/time.Millisecond))
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait: %w", err)
	}
	if _, err := unix.Read(g.event, g.count[:]); err != nil && err != unix.EAGAIN && err != unix.EINTR {
		return fmt.Errorf("read eventfd: %w", err)
	}
	return nil
}

func (g *groupSocket) wake() error {
	if _, err := unix.Write(g.event, binary.NativeEndian.AppendUint64(nil, 1)); err != nil && err != unix.EAGAIN {
		return fmt.Errorf("write eventfd: %w", err)
	}
	return nil
}

func (g *groupSocket) Close() error {
	err := g.Socket.Close()
	if e := unix.Close(g.event); e != nil {
		err = errors.Join(err, fmt.Errorf("close eventfd: %w", e))
	}
	return err
}
