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

// wire is the netlink socket as Conn sees it; tests put a script in its place.
type wire interface {
	send(b []byte) error
	// recv receives one datagram and returns its true length, which exceeds len(b) if it was
	// cut, and the sender's port: 0 is the kernel.
	recv(b []byte, wait bool) (n int, from uint32, err error)
	close() error
}

// netlinkSocket is the real wire.
type netlinkSocket struct {
	fd      int
	from    unix.RawSockaddrNetlink // of the last datagram; fields, so that they are not allocated
	fromLen uint32
}

var _ wire = (*netlinkSocket)(nil)

// openSocket opens a socket in the calling thread's network namespace.
func openSocket(protocol int) (*netlinkSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	s := &netlinkSocket{fd: fd}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *netlinkSocket) prepare() error {
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

func (s *netlinkSocket) send(b []byte) error {
	for {
		n, err := unix.Write(s.fd, b)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n != len(b):
			return fmt.Errorf("sent %d of %d bytes", n, len(b))
		}
		return nil
	}
}

// recv is recvfrom(2) by hand, because unix.Recvfrom allocates an address for every call.
func (s *netlinkSocket) recv(b []byte, wait bool) (int, uint32, error) {
	flags := unix.MSG_TRUNC
	if !wait {
		flags |= unix.MSG_DONTWAIT
	}
	for {
		s.fromLen = unix.SizeofSockaddrNetlink
		n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(s.fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(flags),
			uintptr(unsafe.Pointer(&s.from)), uintptr(unsafe.Pointer(&s.fromLen)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return 0, 0, errno
		}
		return int(n), s.from.Pid, nil
	}
}

func (s *netlinkSocket) close() error {
	if err := unix.Close(s.fd); err != nil {
		return fmt.Errorf("close socket: %w", err)
	}
	return nil
}
