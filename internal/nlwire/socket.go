package nlwire

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiveTimeout bounds how long a silent kernel can hold us. Dumps are produced inside recv(2),
// so in practice nothing ever waits.
const receiveTimeout = 2 * time.Second

// socketBuffer is the receive buffer asked for: a few answers of 32 KiB with their overhead.
const socketBuffer = 1 << 20

// mostTries bounds how often a call is made that a signal interrupts, or a receipt that tells of a loss: more
// in a row mean that something is wrong, which must not hold us for ever.
const mostTries = 100

// wire is the netlink socket as Conn sees it; tests put a script in its place.
type wire interface {
	send(b []byte) error
	Recv(b []byte, wait bool) (n int, from uint32, err error)
	Close() error
}

// Socket is a bare netlink socket, for those who listen to what was not asked for (multicast); Conn
// is for those who ask. Its receive buffer is 1 MiB, or what net.core.rmem_max allows where we lack
// CAP_NET_ADMIN. It is not safe for concurrent use.
type Socket struct {
	fd      int
	from    unix.RawSockaddrNetlink // of the last datagram; fields, so that they are not allocated
	fromLen uint32
}

var _ wire = (*Socket)(nil)

// OpenSocket opens a Socket for a netlink protocol (NETLINK_SOCK_DIAG, ...) in the network namespace
// of the calling thread, where it stays. It is a member of no multicast group.
func OpenSocket(protocol int) (*Socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	s := &Socket{fd: fd}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Socket) prepare() error {
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil {
		// Not privileged: net.core.rmem_max bounds what we get, and the default does.
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer); err != nil {
			return fmt.Errorf("set receive buffer: %w", err)
		}
	}
	tv := unix.NsecToTimeval(receiveTimeout.Nanoseconds())
	if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return fmt.Errorf("set receive time-out: %w", err)
	}
	if err := unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

func (s *Socket) send(b []byte) error { return Send(s.fd, b) }

// FD returns the descriptor, to poll it or to set options. It belongs to the Socket.
func (s *Socket) FD() int { return s.fd }

// Recv receives one datagram into b, which must not be empty, and returns its true length, which
// exceeds len(b) if it was cut, and the sender's port: 0 is the kernel. It allocates nothing.
//
// unix.EAGAIN says that there was none, for two seconds with wait, else at this moment, and
// unix.ENOBUFS that some were lost for want of receive buffer; both are returned as they are, and so is
// unix.EINTR after a hundred interruptions in a row.
func (s *Socket) Recv(b []byte, wait bool) (n int, from uint32, err error) {
	// recvfrom(2) by hand, because unix.Recvfrom allocates an address for every call.
	flags := unix.MSG_TRUNC
	if !wait {
		flags |= unix.MSG_DONTWAIT
	}
	for try := 1; ; try++ {
		s.fromLen = unix.SizeofSockaddrNetlink
		size, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(s.fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(flags),
			uintptr(unsafe.Pointer(&s.from)), uintptr(unsafe.Pointer(&s.fromLen)))
		if errno == unix.EINTR && try < mostTries {
			continue
		}
		if errno != 0 {
			return 0, 0, errno
		}
		return int(size), s.from.Pid, nil
	}
}

// Close gives the socket back. The Socket cannot be used afterwards.
func (s *Socket) Close() error {
	if err := unix.Close(s.fd); err != nil {
		return fmt.Errorf("close socket: %w", err)
	}
	return nil
}
