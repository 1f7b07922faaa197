package ctnetlink

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// benchFlows is how many connections to port 8080 the benchmarks track, beside as many to others.
const benchFlows = 25_000

// busy fills the conntrack table: half of it are connections to port 8080, as a container engine
// publishes one, and half are not.
func busy(tb testing.TB, n int) {
	tb.Helper()
	flows := make([]nstest.Flow, 0, 2*n)
	for i := range n {
		from := binary.BigEndian.AppendUint32(nil, 10<<24|66<<16|uint32(i))
		source, _ := netip.AddrFromSlice(from)
		f := nstest.Flow{
			From: netip.AddrPortFrom(source, uint16(20000+i%40000)), To: netip.MustParseAddrPort("10.77.0.1:8080"),
			ReplyFrom: netip.MustParseAddrPort("10.55.0.2:80"),
			Status:    uint32(SeenReply | Assured), State: uint8(Established),
		}
		f.ReplyTo = f.From
		other := nstest.Flow{From: f.From, To: netip.AddrPortFrom(netip.MustParseAddr("10.77.0.1"), uint16(9000+i%1000)),
			Status: uint32(SeenReply | Assured), State: uint8(Established)}
		flows = append(flows, f, other)
	}
	nstest.Track(tb, flows...)
}

// BenchmarkDump compares ways to ask for the connections to one port among twice as many.
func BenchmarkDump(b *testing.B) {
	for _, bench := range []struct {
		name string
		reqs []Request
	}{
		{"everything", []Request{{}}},
		{"port here", []Request{{Protocol: unix.IPPROTO_TCP, Port: 8080}}},
		{"port in the kernel", []Request{{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, Port: 8080},
			{Family: unix.AF_INET6, Protocol: unix.IPPROTO_TCP, Port: 8080}}},
		{"nothing in the kernel", []Request{{Family: unix.AF_INET6}}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			nstest.Enter(b)
			busy(b, benchFlows)
			c := open(b)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				for _, req := range bench.reqs {
					if err := c.Dump(req, func(*Entry) { n++ }); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(n)/float64(b.N), "entries")
		})
	}
}

// BenchmarkTool is conntrack(8) on the same table, which it formats as well.
func BenchmarkTool(b *testing.B) {
	for _, args := range [][]string{{"-L"}, {"-L", "-p", "tcp", "--orig-port-dst", "8080"}} {
		b.Run(fmt.Sprint(args), func(b *testing.B) {
			nstest.Enter(b)
			busy(b, benchFlows)
			for b.Loop() {
				if err := exec.Command("conntrack", args...).Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecode is our own part of the work for one entry.
func BenchmarkDecode(b *testing.B) {
	body := message(flow("10.66.0.1:40000", "10.77.0.1:8080", "10.55.0.2:80", "10.66.0.1:40000"))
	var e Entry
	b.ReportAllocs()
	for b.Loop() {
		if !e.decode(body) {
			b.Fatal("not decoded")
		}
	}
}
