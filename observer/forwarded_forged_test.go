package observer

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// TCP flags of RFC 9293.
const (
	flagSYN = 0x02
	flagACK = 0x10
)

// forge sends one TCP segment without data from the attackers, with whatever source it names.
func (r *router) forge(from, to netip.AddrPort, flags byte, seq, ack uint32) {
	r.t.Helper()
	const header = 20
	tcp := make([]byte, header)
	binary.BigEndian.PutUint16(tcp, from.Port())
	binary.BigEndian.PutUint16(tcp[2:], to.Port())
	binary.BigEndian.PutUint32(tcp[4:], seq)
	binary.BigEndian.PutUint32(tcp[8:], ack)
	tcp[12], tcp[13] = header/4<<4, flags
	binary.BigEndian.PutUint16(tcp[14:], 64240)
	source, destination := from.Addr().As4(), to.Addr().As4()
	var sum uint32
	for _, b := range [][]byte{source[:], destination[:], {0, unix.IPPROTO_TCP, 0, header}, tcp} {
		for i := 0; i < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(tcp[16:], ^uint16(sum))
	packet := make([]byte, 20, 20+header) // the kernel fills in length and checksum, see raw(7)
	packet[0], packet[8], packet[9] = 0x45, 64, unix.IPPROTO_TCP
	copy(packet[12:], source[:])
	copy(packet[16:], destination[:])
	r.do(r.Attackers, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, append(packet, tcp...), 0, &unix.SockaddrInet4{Addr: destination})
	})
}

// TestForwardedForgedACK is promise P5: conntrack takes a lone ACK for an established connection
// (nf_conntrack_tcp_loose), for five minutes if the server does not answer it, and anybody can
// forge one.
func TestForwardedForgedACK(t *testing.T) {
	r := newRouter(t, policy.Service{Name: "shop", Ports: ports(8080), Traffic: policy.Forwarded})
	r.do(r.Container, func() error { // as behind a firewall that drops what it does not know
		dst, err := netlink.ParseIPNet(lab.SpoofRange().V4.String())
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{Dst: dst, Type: unix.RTN_BLACKHOLE})
	})
	r.hold(r.Attackers, 2, lab.VictimV4(), 8080, lab.AttackRange().IPv4(1)...)
	victim := lab.SpoofRange().IPv4(1)[0]
	for port := range uint16(50) {
		r.forge(netip.AddrPortFrom(victim, 30000+port), netip.AddrPortFrom(lab.VictimV4(), 8080), flagACK, 1000, 5000)
	}
	nstest.Await(t, "conntrack takes the forged ACKs for connections", func() bool {
		return r.listed("8080", lab.VictimV4())[victim.String()+"/32"][1] == 50
	})
	shop := r.agree(0, "8080", lab.VictimV4())
	if shop.Held != 2 || shop.HalfOpen != 50 {
		t.Errorf("%d held, %d half-open", shop.Held, shop.HalfOpen)
	}
}

// TestForwardedGuessedHandshake is P5 again: who forges a SYN and then guesses the ACK hits what
// conntrack accepts once in 65,000, which is far more than what the server accepts. The server's
// reset makes the entry CLOSE.
func TestForwardedGuessedHandshake(t *testing.T) {
	r := newRouter(t, policy.Service{Name: "shop", Ports: ports(8080), Traffic: policy.Forwarded})
	for i, tt := range []struct {
		off  uint32 // by how much the guess is wrong
		held int    // in all, after this one
	}{{60_000, 0}, {1000, 0}, {0, 1}} {
		from := netip.AddrPortFrom(lab.SpoofRange().IPv4(1)[0], uint16(30000+i))
		to := netip.AddrPortFrom(lab.VictimV4(), 8080)
		answered := r.overhear(from)
		r.forge(from, to, flagSYN, 1000, 0)
		r.forge(from, to, flagACK, 1001, answered()+1-tt.off)
		nstest.Await(t, "conntrack has seen the end of the guess", func() bool {
			return r.listed("8080", lab.VictimV4())[from.Addr().String()+"/32"] == [2]int{tt.held, 0}
		})
		if shop := r.agree(0, "8080", lab.VictimV4()); shop.Held != tt.held || shop.HalfOpen != 0 {
			t.Errorf("off by %d: %d held, %d half-open; want %d and none", tt.off, shop.Held, shop.HalfOpen, tt.held)
		}
	}
}

// overhear listens among the attackers, and returns a function that waits for the server's answer
// to a SYN and returns its sequence number.
func (r *router) overhear(from netip.AddrPort) func() uint32 {
	r.t.Helper()
	fd := -1
	r.do(r.Attackers, func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(protoIPv4))
		return err
	})
	r.t.Cleanup(func() { unix.Close(fd) })
	return func() uint32 {
		r.t.Helper()
		b := make([]byte, 2048)
		for {
			n, _, err := unix.Recvfrom(fd, b, 0)
			if err != nil {
				r.t.Fatalf("listen to the server's answer: %v", err)
			}
			if tcp := b[20:max(n, 40)]; n >= 40 && b[9] == unix.IPPROTO_TCP && tcp[13] == flagSYN|flagACK && binary.BigEndian.Uint16(tcp[2:]) == from.Port() {
				return binary.BigEndian.Uint32(tcp[4:])
			}
		}
	}
}

// protoIPv4 is ETH_P_IP in network order, as packet(7) wants it.
var protoIPv4 = binary.NativeEndian.Uint16([]byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff})
