package nlwire

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSocket asks the kernel for what it does not know, which any process may.
func TestSocket(t *testing.T) {
	s, err := OpenSocket(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	if protocol, err := unix.GetsockoptInt(s.FD(), unix.SOL_SOCKET, unix.SO_PROTOCOL); protocol != unix.NETLINK_ROUTE || err != nil {
		t.Errorf("a descriptor of protocol %d, %v", protocol, err)
	}
	buf := make([]byte, 64)
	if _, _, err := s.Recv(buf, false); err != unix.EAGAIN { // as it is: not wrapped
		t.Errorf("nothing was sent: got %v, want EAGAIN", err)
	}
	unknown := Request{Type: unix.RTM_GETADDR + 2} // a hole between the requests
	msg := unknown.appendTo(nil, 7)
	kind, seq := uint16(0), uint32(0)
	if allocs := testing.AllocsPerRun(10, func() {
		if err := s.send(msg); err != nil {
			t.Error(err)
		}
		n, from, err := s.Recv(buf, true)
		if err != nil || from != 0 || n > len(buf) {
			t.Fatalf("%d bytes from %d: %v", n, from, err)
		}
		m := Messages{Rest: buf[:n]}
		m.Next()
		kind, seq = m.Kind, m.Seq
	}); allocs > 0 {
		t.Errorf("%v allocations to send and receive", allocs)
	}
	if kind != unix.NLMSG_ERROR || seq != 7 {
		t.Errorf("got type %d for request %d, want a refusal of 7", kind, seq)
	}
	if err := s.send(msg); err != nil {
		t.Fatal(err)
	}
	if n, _, err := s.Recv(buf[:8], true); n <= 8 || err != nil {
		t.Errorf("into 8 bytes: length %d, %v; want the true one", n, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); !errors.Is(err, unix.EBADF) {
		t.Errorf("second time: %v, want EBADF", err)
	}
}
