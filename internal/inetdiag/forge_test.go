package inetdiag

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// setSysctl sets net.ipv4.NAME of the test's own namespace.
func setSysctl(t *testing.T, name, value string) {
	t.Helper()
	// The thread's own directory: /proc/sys is that of the namespace of who opens it.
	if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0o644); err != nil {
		t.Fatal(err)
	}
}

// forgeSYNs sends SYNs to port 80 of 10.77.0.1 as two hosts that never asked for it, with data if
// any. Being local, those hosts answer the SYN-ACKs with resets.
func forgeSYNs(t *testing.T, data string) {
	t.Helper()
	to := netip.MustParseAddr("10.77.0.1")
	for _, source := range []string{"10.66.6.1", "10.66.6.2"} {
		from := netip.MustParseAddr(source)
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_FREEBIND, 1); err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from.As4()}); err != nil {
			t.Fatal(err)
		}
		if err := unix.Sendto(fd, synSegment(from, to, data), 0, &unix.SockaddrInet4{Addr: to.As4()}); err != nil {
			t.Fatal(err)
		}
	}
}

// synSegment builds a TCP segment with SYN set, from port 4000 to port 80.
func synSegment(from, to netip.Addr, data string) []byte {
	b := make([]byte, 20, 20+len(data))
	binary.BigEndian.PutUint16(b[0:], 4000)
	binary.BigEndian.PutUint16(b[2:], 80)
	binary.BigEndian.PutUint32(b[4:], 12345)
	b[12], b[13] = 5<<4, 0x02
	binary.BigEndian.PutUint16(b[14:], 65535)
	b = append(b, data...)
	sum := uint32(unix.IPPROTO_TCP + len(b))
	padded := append(append(append(from.AsSlice(), to.AsSlice()...), b...), make([]byte, len(b)%2)...)
	for i := 0; i < len(padded); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(padded[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[16:], ^uint16(sum))
	return b
}
