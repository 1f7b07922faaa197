package lab

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestSynFrame(t *testing.T) {
	from, to := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 2}
	for _, c := range []struct {
		name, source, target string
		ip                   []byte // the start of the IP header
		pseudo               []byte // length and protocol of the pseudo-header
	}{
		{"IPv4", "10.99.255.254", "10.77.0.1:80", []byte{0x45, 0, 0, 44, 0, 0, 0x40, 0, 64, 6}, []byte{0, 6, 0, 24}},
		{"IPv6", "fd99::ffff:0:0:1", "[fd77::1]:8443", []byte{0x60, 0, 0, 0, 0, 24, 6, 64}, []byte{0, 0, 0, 24, 0, 0, 0, 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, target := netip.MustParseAddr(c.source), netip.MustParseAddrPort(c.target)
			f := newSynFrame(from, to, target)
			b := bytes.Repeat([]byte{0xff}, f.size()) // whatever an earlier frame left there
			f.write(b, source, 54321, 0xdeadbeef)
			if !bytes.Equal(b[:6], to) || !bytes.Equal(b[6:12], from) {
				t.Errorf("link addresses % x", b[:12])
			}
			if !bytes.Equal(b[etherLen:etherLen+len(c.ip)], c.ip) {
				t.Errorf("IP header % x", b[etherLen:f.tcp])
			}
			addresses := slices.Concat(source.AsSlice(), target.Addr().AsSlice())
			if !bytes.Equal(b[f.tcp-len(addresses):f.tcp], addresses) {
				t.Errorf("addresses % x", b[f.tcp-len(addresses):f.tcp])
			}
			segment := b[f.tcp:]
			if binary.BigEndian.Uint16(segment) != 54321 || binary.BigEndian.Uint16(segment[2:]) != target.Port() ||
				binary.BigEndian.Uint32(segment[4:]) != 0xdeadbeef || segment[13] != 2 {
				t.Errorf("segment % x", segment)
			}
			// The receiver's check: everything summed up, checksum included, gives zero.
			if got := fold(sum(slices.Concat(addresses, c.pseudo, segment))); got != 0 {
				t.Errorf("TCP checksum is off by %#x", got)
			}
			if source.Is4() && fold(sum(b[etherLen:f.tcp])) != 0 {
				t.Error("the IP checksum is wrong")
			}
		})
	}
}

func TestSpoofFloodsTheVictim(t *testing.T) {
	for _, c := range []struct {
		name    string
		target  netip.AddrPort
		sources []netip.Addr
	}{
		{"IPv4", v4(80), SpoofRange().IPv4(60_000)},
		{"IPv6", v6(80), SpoofRange().IPv6(60_000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{c.target}, Capacity: 5, Backlog: 64}))(t)
			f := must(StartSpoof(t.Context(), l.Attackers, SpoofConfig{Target: c.target, Sources: c.sources, Rate: 20_000}))(t)
			await(t, "the victim sends SYN cookies", func() bool { return counter(t, l.Victim, "TcpExt", "SyncookiesSent") > 5000 })
			if err := f.Stop(); err != nil {
				t.Fatal(err)
			}
			halfOpen := halfOpenSources(t, l.Victim)
			if len(halfOpen) < 20 {
				t.Errorf("half-open connections of %d sources only", len(halfOpen))
			}
			for source := range halfOpen {
				if !slices.Contains(c.sources, source) {
					t.Errorf("%s was not forged by us", source)
				}
			}
			counts := f.Counts()
			if got := counter(t, l.Victim, "Tcp", "InCsumErrors"); got != 0 {
				t.Errorf("%d of %d SYNs had a wrong checksum", got, counts.Sent)
			}
			if got := counter(t, l.Victim, "Tcp", "InSegs"); got != int(counts.Sent) {
				t.Errorf("%d SYNs sent, %d arrived", counts.Sent, got)
			}
			if got := s.Counts(); got != (ServerCounts{}) {
				t.Errorf("the server noticed: %+v", got)
			}
		})
	}
}

// TestSpoofForgesAClient sees that a forged client answers the SYN-ACK by itself, as in reality.
func TestSpoofForgesAClient(t *testing.T) {
	l := newLab(t)
	must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 5}))(t)
	f := must(StartSpoof(t.Context(), l.Attackers, SpoofConfig{Target: v4(80), Sources: ClientRange().IPv4(1), Rate: 1000}))(t)
	await(t, "the client sends resets", func() bool { return counter(t, l.Clients, "Tcp", "OutRsts") > 20 })
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := counter(t, l.Attackers, "Tcp", "OutRsts"); n != 0 {
		t.Errorf("the attackers answered %d times", n)
	}
}

// counter reads a kernel counter of a namespace.
func counter(t *testing.T, n *Namespace, group, name string) int {
	t.Helper()
	return int(must(n.Counter(group, name))(t))
}

// halfOpenSources returns the sources of connections in SYN_RECV.
func halfOpenSources(t *testing.T, n *Namespace) map[netip.Addr]bool {
	t.Helper()
	out := map[netip.Addr]bool{}
	err := n.Do(func() error {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			sockets, err := netlink.SocketDiagTCP(family)
			if err != nil {
				return err
			}
			for _, s := range sockets {
				if source, ok := netip.AddrFromSlice(s.ID.Destination); ok && s.State == netlink.TCP_SYN_RECV {
					out[source.Unmap()] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSpoofBadConfigs(t *testing.T) {
	l := newLab(t)
	some := SpoofRange().IPv4(2)
	for _, c := range []struct {
		name, want string
		from       *Namespace
		config     SpoofConfig
	}{
		{"no source", "no source", l.Attackers, SpoofConfig{Target: v4(80), Rate: 1}},
		{"families", "different families", l.Attackers, SpoofConfig{Target: v6(80), Sources: some, Rate: 1}},
		{"no rate", "rate 0", l.Attackers, SpoofConfig{Target: v4(80), Sources: some}},
		{"rate", "rate 1000001", l.Attackers, SpoofConfig{Target: v4(80), Sources: some, Rate: 1_000_001}},
		{"many", "1048577 sources", l.Attackers, SpoofConfig{Target: v4(80), Sources: slices.Repeat(some[:1], 1<<20+1), Rate: 1}},
		{"from the victim", "find the link to the victim", l.Victim, SpoofConfig{Target: v4(80), Sources: some, Rate: 1}},
	} {
		_, err := StartSpoof(t.Context(), c.from, c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// BenchmarkSpoof reports the rate that is reached when a million packets a second are asked for.
func BenchmarkSpoof(b *testing.B) {
	l := newLab(b)
	must(StartServer(b.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 5}))(b)
	f := must(StartSpoof(b.Context(), l.Attackers, SpoofConfig{Target: v4(80), Sources: SpoofRange().IPv4(60_000), Rate: mostSpoofRate}))(b)
	b.ResetTimer()
	first := f.Counts().Sent
	await(b, "all are sent", func() bool { return f.Counts().Sent >= first+uint64(b.N) })
	b.ReportMetric(float64(f.Counts().Sent-first)/b.Elapsed().Seconds(), "SYN/s")
}

// FuzzSynFrame sees that the receiver's checksum comes out right whatever is forged.
func FuzzSynFrame(f *testing.F) {
	f.Add([]byte{10, 99, 0, 1}, uint16(1024), uint32(0))
	f.Add([]byte{255, 255, 255, 255}, uint16(65535), uint32(1<<32-1))
	f.Add(netip.MustParseAddr("fd99::ffff").AsSlice(), uint16(0), uint32(0xffff0000))
	f.Fuzz(func(t *testing.T, address []byte, port uint16, seq uint32) {
		source, ok := netip.AddrFromSlice(address)
		if !ok {
			return
		}
		target, pseudo := v4(80), []byte{0, 6, 0, 24}
		if source.Is6() {
			target, pseudo = v6(80), []byte{0, 0, 0, 24, 0, 0, 0, 6}
		}
		frame := newSynFrame(make(net.HardwareAddr, 6), make(net.HardwareAddr, 6), target)
		b := make([]byte, frame.size())
		frame.write(b, source, port, seq)
		if got := fold(sum(slices.Concat(address, target.Addr().AsSlice(), pseudo, b[frame.tcp:]))); got != 0 {
			t.Errorf("TCP checksum is off by %#x", got)
		}
		if source.Is4() && fold(sum(b[etherLen:frame.tcp])) != 0 {
			t.Error("the IP checksum is wrong")
		}
	})
}
