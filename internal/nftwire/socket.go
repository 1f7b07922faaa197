package nftwire

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrNotOurs says that a descriptor which was handed over is no netlink socket for netfilter in the
// calling thread's network namespace. The descriptor is still the caller's to close.
var ErrNotOurs = errors.New("not a netlink-netfilter socket of this network namespace")

// receiveBuffer has room for some 1,000 errors of one transaction. Only the first one counts, and
// only the last message is acknowledged, so what does not fit is no loss.
const receiveBuffer = 1 << 20

// soNetNSCookie is SO_NETNS_COOKIE of asm-generic/socket.h, new in Linux 5.14: a number that no
// other network namespace has until the next boot.
const soNetNSCookie = 71

// Socket is a netlink socket for transactions of nf_tables, and the owner of tables made through it.
// It is not safe for concurrent use. Any file descriptor number will do.
type Socket struct {
	fd   int
	port uint32
	seq  uint32
	sent int // the largest batch that fits into the send buffer
	buf  [2048]byte
}

// Open opens a Socket in the network namespace of the calling thread, where it stays.
func Open() (*Socket, error) {
	fd, err := open()
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, errors.Join(fmt.Errorf("bind nf_tables socket: %w", err), unix.Close(fd))
	}
	s, err := prepare(fd)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return s, nil
}

func open() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return -1, fmt.Errorf("open nf_tables socket: %w", err)
	}
	return fd, nil
}

// FromFD takes over a descriptor that an earlier process opened with Open. It belongs to the Socket
// from then on, and to the caller after an error: ErrNotOurs if it is something else.
func FromFD(fd int) (*Socket, error) {
	if err := verify(fd); err != nil {
		return nil, fmt.Errorf("take over descriptor %d: %w", fd, err)
	}
	unix.CloseOnExec(fd)
	s, err := prepare(fd)
	if err != nil {
		return nil, fmt.Errorf("take over descriptor %d: %w", fd, err)
	}
	return s, nil
}

// verify checks what the descriptor is, and where, by comparing it with a socket of our own.
func verify(fd int) error {
	for _, o := range []struct{ name, want int }{
		{unix.SO_DOMAIN, unix.AF_NETLINK}, {unix.SO_PROTOCOL, unix.NETLINK_NETFILTER}, {unix.SO_TYPE, unix.SOCK_RAW},
	} {
		if got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, o.name); err != nil || got != o.want {
			return ErrNotOurs
		}
	}
	own, err := open()
	if err != nil {
		return err
	}
	defer unix.Close(own)
	here, err := unix.GetsockoptUint64(own, unix.SOL_SOCKET, soNetNSCookie)
	if err != nil { // before Linux 5.14 there is no telling
		return nil
	}
	if there, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, soNetNSCookie); err != nil || there != here {
		return ErrNotOurs
	}
	return nil
}

// prepare sets the options and asks for the port.
func prepare(fd int) (*Socket, error) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		// Not privileged. The default has room for some 200 errors, and the first one counts.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	// An error must not carry the message at fault with it, which may have 64 KiB, and says more
	// than a number where the kernel knows more (linux/netlink.h).
	for _, o := range []int{unix.NETLINK_CAP_ACK, unix.NETLINK_EXT_ACK} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, o, 1); err != nil {
			return nil, fmt.Errorf("set option %d of nf_tables socket: %w", o, err)
		}
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, fmt.Errorf("read port of nf_tables socket: %w", err)
	}
	at, ok := name.(*unix.SockaddrNetlink)
	if !ok || at.Pid == 0 {
		return nil, ErrNotOurs
	}
	return &Socket{fd: fd, port: at.Pid}, nil
}

// FD returns the descriptor, to hand it over. It belongs to the Socket.
func (s *Socket) FD() int { return s.fd }

// PortID returns the netlink port, by which the kernel names the owner of a table
// (NFTA_TABLE_OWNER). It never changes, whoever holds the socket, and is never 0.
func (s *Socket) PortID() uint32 { return s.port }

// Close gives the descriptor back. Tables that the socket owns vanish, soon after, if nobody else
// holds it. The Socket cannot be used afterwards.
func (s *Socket) Close() error {
	if err := unix.Close(s.fd); err != nil {
		return fmt.Errorf("close nf_tables socket: %w", err)
	}
	return nil
}
