package lab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"testing"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestMmsghdrLayout holds the structure to C's: the length follows the header, and arrays of it are
// aligned like the header.
func TestMmsghdrLayout(t *testing.T) {
	var h mmsghdr
	if unsafe.Offsetof(h.sent) != unsafe.Sizeof(unix.Msghdr{}) {
		t.Errorf("the length is at %d", unsafe.Offsetof(h.sent))
	}
	if rest := unsafe.Sizeof(h) % unsafe.Alignof(h.header); rest != 0 {
		t.Errorf("the size %d leaves %d", unsafe.Sizeof(h), rest)
	}
}

// TestBatchArrivesIntact sends a whole batch over the attackers' link and reads it at the far end.
func TestBatchArrivesIntact(t *testing.T) {
	l := newLab(t)
	receiver := openPacketSocket(t, l.Victim, "attackers", unix.ETH_P_IP)
	s := &Spoof{config: SpoofConfig{Target: v4(80)}}
	if err := l.Attackers.Do(s.open); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s.fd)
	b := newBatch(s.frame.size())
	sources := SpoofRange().IPv4(batchSize)
	for i, source := range sources {
		s.frame.write(b.frame(i), source, uint16(2000+i), uint32(i))
	}
	for _, n := range []int{batchSize, 1, 7} {
		if sent, err := b.send(s.fd, n); sent != n || err != nil {
			t.Fatalf("sent %d of %d, %v", sent, n, err)
		}
		for i := range n {
			if got := nextSyn(t, receiver); !bytes.Equal(got, b.frame(i)) {
				t.Errorf("frame %d of %d: got % x, want % x", i, n, got, b.frame(i))
			}
		}
	}
}

func TestBatchReportsErrors(t *testing.T) {
	b := newBatch(60)
	if sent, err := b.send(-1, 1); sent != 0 || !errors.Is(err, unix.EBADF) {
		t.Errorf("%d, %v", sent, err)
	}
}

// openPacketSocket opens a socket that sees what arrives on a link.
func openPacketSocket(t *testing.T, n *Namespace, name string, proto uint16) int {
	t.Helper()
	fd := -1
	err := n.Do(func() (err error) {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return os.NewSyscallError("socket", err)
		}
		wire := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, proto))
		return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Attrs().Index, Protocol: wire})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// nextSyn returns the next frame that came from the spoofed range.
func nextSyn(t *testing.T, fd int) []byte {
	t.Helper()
	b := make([]byte, 2048)
	for {
		await(t, "a frame arrives", func() bool { return isReady(fd, unix.POLLIN) })
		n, _, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		source, _ := netip.AddrFromSlice(b[etherLen+12 : etherLen+16])
		if SpoofRange().V4.Contains(source) {
			return b[:n]
		}
	}
}

// TestSpoofUsesEverySource reads the flood itself.
func TestSpoofUsesEverySource(t *testing.T) {
	l := newLab(t)
	receiver := openPacketSocket(t, l.Victim, "attackers", unix.ETH_P_IP)
	sources := SpoofRange().IPv4(20)
	must(StartSpoof(t.Context(), l.Attackers, SpoofConfig{Target: v4(80), Sources: sources, Rate: 2000}))(t)
	seen, ports := map[netip.Addr]int{}, map[uint16]bool{}
	for range 1000 {
		if len(seen) == len(sources) && len(ports) > 50 {
			return
		}
		b := nextSyn(t, receiver)
		source, _ := netip.AddrFromSlice(b[etherLen+12 : etherLen+16])
		seen[source]++
		ports[binary.BigEndian.Uint16(b[etherLen+ipv4Len:])] = true
	}
	t.Errorf("after 1000 SYNs: %d sources, %d ports", len(seen), len(ports))
}
