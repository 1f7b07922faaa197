package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Peer is the process at the other end of a connection, as the kernel noted it at connect(2). Its
// PID may since belong to another process; its ids are what they were.
type Peer struct {
	PID    int32
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary
}

// In reports whether gid is the peer's own group or one of its supplementary groups.
func (p Peer) In(gid uint32) bool { return p.GID == gid || slices.Contains(p.Groups, gid) }

// credentials asks who is at the other end of a connection.
type credentials interface {
	peer(c net.Conn) (Peer, error)
}

// kernelCredentials asks the kernel, which a client cannot lie to.
type kernelCredentials struct{}

func (kernelCredentials) peer(c net.Conn) (Peer, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return Peer{}, fmt.Errorf("read peer credentials: %T has no descriptor", c)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("read peer credentials: %w", err)
	}
	var p Peer
	var perr error
	if err := raw.Control(func(fd uintptr) { p, perr = peerOf(int(fd)) }); err != nil {
		return Peer{}, fmt.Errorf("read peer credentials: %w", err)
	}
	return p, perr
}

func peerOf(fd int) (Peer, error) {
	u, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, fmt.Errorf("read SO_PEERCRED: %w", err)
	}
	groups, err := peerGroups(fd)
	if err != nil {
		return Peer{}, fmt.Errorf("read SO_PEERGROUPS: %w", err)
	}
	return Peer{PID: u.Pid, UID: u.Uid, GID: u.Gid, Groups: groups}, nil
}

// maxGroups is NGROUPS_MAX of linux/limits.h.
const maxGroups = 65536

// peerGroups reads the supplementary groups. The kernel answers ERANGE and the length it needs
// when the buffer is too short (net/core/sock.c, SO_PEERGROUPS).
func peerGroups(fd int) ([]uint32, error) {
	buf := make([]uint32, 64)
	for {
		size := uint32(len(buf) * 4)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)), 0)
		need := int(size / 4)
		switch {
		case errno == 0:
			return slices.Clone(buf[:need]), nil
		case errors.Is(errno, unix.ERANGE) && need > len(buf) && need <= maxGroups:
			buf = make([]uint32, need)
		default:
			return nil, errno
		}
	}
}

type peerKey struct{}

func withPeer(ctx context.Context, p Peer) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}

// peerFrom returns the connection's peer; false means nobody looked, and nothing may be granted.
func peerFrom(ctx context.Context) (Peer, bool) {
	p, ok := ctx.Value(peerKey{}).(Peer)
	return p, ok
}
