package nlwire

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestSend: the kernel has answered when it returns, and its errno is not wrapped.
func TestSend(t *testing.T) {
	s, err := OpenSocket(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := AppendHeader(nil, unix.NLMSG_NOOP, unix.NLM_F_REQUEST|unix.NLM_F_ACK, 9, 0)
	if err := Send(s.FD(), b); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	n, _, err := s.Recv(buf, false)
	m := Messages{Rest: buf[:n]}
	if err != nil || !m.Next() || m.Kind != unix.NLMSG_ERROR || m.Seq != 9 {
		t.Errorf("got %+v, %v; want the answer to message 9", m, err)
	}
	if err := unix.SetsockoptInt(s.FD(), unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<12); err != nil {
		t.Fatal(err)
	}
	if err := Send(s.FD(), make([]byte, 1<<16)); err != unix.EMSGSIZE {
		t.Errorf("more than the send buffer takes: %v, want EMSGSIZE", err)
	}
	if err := Send(-1, b); err != unix.EBADF {
		t.Errorf("no socket: %v, want EBADF", err)
	}
}
