package observer

import (
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
)

// floor asks the kernel for what a census asks for, receives it and throws it away: the kernel's
// own time. It does so by hand, since whatever reads the messages is no floor.
type floor struct {
	fd  int
	buf []byte
	req []byte
}

const (
	getSock     = 18 // TCPDIAG_GETSOCK of linux/inet_diag.h, the request for both families
	nlHeader    = 16 // sizeof(struct nlmsghdr)
	doneMessage = nlHeader + 4
)

// openFloor opens a floor in the namespace of the calling thread.
func openFloor(tb testing.TB, states inetdiag.States, filter []byte) *floor {
	tb.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		tb.Fatalf("open a netlink socket: %v", err)
	}
	tb.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
		tb.Fatal(err)
	}
	ne := binary.NativeEndian
	b := ne.AppendUint32(nil, uint32(nlHeader+4+48+8+4+len(filter)))
	b = ne.AppendUint16(b, getSock)
	b = ne.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b = append(b, make([]byte, 8+4+48)...) // sequence number, port; any family, no extension, any ID
	b = ne.AppendUint32(b, uint32(states))
	b = ne.AppendUint32(b, 0)
	b = ne.AppendUint16(b, uint16(4+len(filter)))
	b = ne.AppendUint16(b, 1) // INET_DIAG_REQ_BYTECODE
	return &floor{fd: fd, buf: make([]byte, 32<<10), req: append(b, filter...)}
}

// receive receives the dump once. each, if not nil, gets every datagram.
func (f *floor) receive(each func([]byte)) error {
	if _, err := unix.Write(f.fd, f.req); err != nil {
		return fmt.Errorf("send the request: %w", err)
	}
	for {
		n, err := unix.Read(f.fd, f.buf)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if each != nil {
			each(f.buf[:n])
		}
		// The last word comes by itself or at the end of the last datagram.
		if kindAt(f.buf[:n], 0) == unix.NLMSG_DONE || kindAt(f.buf[:n], n-doneMessage) == unix.NLMSG_DONE {
			return nil
		}
		if kindAt(f.buf[:n], 0) == unix.NLMSG_ERROR {
			return fmt.Errorf("the kernel refused the dump: %x", f.buf[:n])
		}
	}
}

// kindAt returns the type of the message at an offset, if there can be one that ends a dump or
// begins a datagram.
func kindAt(b []byte, at int) uint16 {
	if at < 0 || len(b) < at+nlHeader || at > 0 && binary.NativeEndian.Uint32(b[at:]) != doneMessage {
		return 0
	}
	return binary.NativeEndian.Uint16(b[at+4:])
}

// sockets counts the sockets of one dump.
func (f *floor) sockets() (n int, err error) {
	err = f.receive(func(b []byte) {
		for len(b) >= nlHeader {
			if kindAt(b, 0) == getSock {
				n++
			}
			b = b[min(int(binary.NativeEndian.Uint32(b)+3)&^3, len(b)):]
		}
	})
	return n, err
}
