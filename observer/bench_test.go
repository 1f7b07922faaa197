package observer

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// benchSockets fits into a descriptor limit of 20,000: each connection has two ends.
const benchSockets = 9000

// crowd makes accepted connections from 500 sources to port 80.
func crowd(b *testing.B) {
	b.Helper()
	l := nstest.Listen(b, "[::]:80", 128)
	for i := range benchSockets {
		from := netip.AddrFrom4([4]byte{10, 66, byte(i % 500 >> 8), byte(i % 500)})
		nstest.Dial(b, netip.AddrPortFrom(from, 0).String(), server4+":80")
		l.Accept()
	}
}

// perSocket reports CPU time, which other programs disturb less than time by the clock.
func perSocket(b *testing.B, cpu time.Duration, sockets int) {
	b.ReportMetric(float64(cpu)/float64(sockets), "cpu-ns/socket")
}

func BenchmarkTick(b *testing.B) {
	o := enter(b, web())
	for i := range 50 {
		nstest.Listen(b, fmt.Sprintf("10.77.0.%d:80", i+1), 5)
	}
	b.ReportAllocs()
	began := threadCPU()
	for b.Loop() {
		if obs := o.Tick(); len(obs.Listeners) != 50 || len(obs.Faults) != 0 {
			b.Fatalf("observation %+v", obs)
		}
	}
	b.ReportMetric(float64(threadCPU()-began)/float64(b.N), "cpu-ns/op")
}

func BenchmarkCensus(b *testing.B) {
	o := enter(b, web())
	crowd(b)
	b.ReportAllocs()
	sockets := 0
	began := threadCPU()
	for b.Loop() {
		c, err := o.Census(context.Background())
		if err != nil || c.Services[0].Held != benchSockets {
			b.Fatalf("census %+v: %v", c, err)
		}
		sockets += c.Sockets
	}
	perSocket(b, threadCPU()-began, sockets)
}

// BenchmarkFloor receives the same dump and throws it away: what the kernel charges. "twice" asks
// for each family by itself, which walks the kernel's table once more.
func BenchmarkFloor(b *testing.B) {
	for _, bench := range []struct {
		name     string
		families []uint8
	}{{"once", []uint8{unix.AF_UNSPEC}}, {"twice", []uint8{unix.AF_INET, unix.AF_INET6}}} {
		b.Run(bench.name, func(b *testing.B) {
			o := enter(b, web())
			crowd(b)
			b.ReportAllocs()
			sockets := 0
			began := threadCPU()
			for b.Loop() {
				for _, f := range bench.families {
					req := inetdiag.Request{Family: f, States: heldStates, Filter: o.target.Load().filter}
					if err := o.census.diag.Dump(req, func(*inetdiag.Socket) { sockets++ }); err != nil {
						b.Fatal(err)
					}
				}
			}
			perSocket(b, threadCPU()-began, sockets)
		})
	}
}

// BenchmarkCount is what we add to the kernel's work for each socket, with so many sources of which
// those of IPv6 have 16 addresses each.
func BenchmarkCount(b *testing.B) {
	for _, family := range []string{"IPv4", "IPv6"} {
		for _, sources := range []int{500, 100000} {
			b.Run(fmt.Sprintf("%s/%d", family, sources), func(b *testing.B) {
				c := &censor{totals: make([]total, 1), grouping: newGrouping(&target{ipv6Source: 64}, nil)}
				c.doors.build([]listening{listener("[::]:80", false)}, []policy.Service{{Name: "web", Ports: ports(80)}})
				c.tally.reset(1, 400000)
				s := &inetdiag.Socket{State: inetdiag.Established, Inode: 1, LocalPort: 80,
					LocalAddr: netip.MustParseAddr(server4).As16()}
				i := 0
				b.ReportAllocs()
				for b.Loop() {
					i++
					n := i * 7919 % sources
					if family == "IPv4" {
						s.RemoteAddr = netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}).As16()
					} else {
						s.RemoteAddr = [16]byte{0x20, 1, 0xd, 0xb8, 4: byte(n >> 16), 5: byte(n >> 8), 6: byte(n), 15: byte(i & 15)}
					}
					c.count(s)
				}
			})
		}
	}
}
