package observer

import (
	"context"
	"net/netip"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/nlwire"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// benchForwarded is how many forwarded connections the benchmarks have.
const benchForwarded = 25_000

// published opens an Observer where so many connections of 500 sources go to a published port.
func published(b *testing.B) *Observer {
	b.Helper()
	o := enter(b, web(func(p *policy.Policy) { p.Services[0].Traffic = policy.Forwarded }))
	nstest.Assign(b, "10.77.0.1/32")
	flows := make([]nstest.Flow, benchForwarded)
	for i := range flows {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 66, byte(i % 500 >> 8), byte(i % 500)}), uint16(1024+i))
		flows[i] = nstest.Flow{From: from, To: netip.MustParseAddrPort("10.77.0.1:80"), ReplyFrom: netip.MustParseAddrPort("10.55.0.2:8000"),
			ReplyTo: from, Status: uint32(ctnetlink.SeenReply | ctnetlink.Assured), State: uint8(ctnetlink.Established)}
	}
	nstest.Track(b, flows...)
	return o
}

// BenchmarkForwarded compares a census with what people do by hand, and with the kernel's part: the
// same dump received and thrown away.
func BenchmarkForwarded(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		published(b)
		nl, err := nlwire.Open(unix.NETLINK_NETFILTER)
		if err != nil {
			b.Fatal(err)
		}
		defer nl.Close()
		everything := &nlwire.Request{Type: unix.NFNL_SUBSYS_CTNETLINK<<8 | 1, Dump: true, Body: make([]byte, 4), Answer: unix.NFNL_SUBSYS_CTNETLINK << 8}
		began, n := threadCPU(), 0
		for b.Loop() {
			if err := nl.Do(everything, func([]byte) bool { n++; return true }); err != nil {
				b.Fatal(err)
			}
		}
		perSocket(b, threadCPU()-began, n)
	})
	b.Run("census", func(b *testing.B) {
		o := published(b)
		b.ReportAllocs()
		began, n := threadCPU(), 0
		for b.Loop() {
			c, err := o.Census(context.Background())
			if err != nil || c.Services[0].Held != benchForwarded || len(c.Services[0].Sources) != 500 {
				b.Fatalf("census %+v: %v", c, err)
			}
			n += c.Sockets
		}
		perSocket(b, threadCPU()-began, n)
	})
	b.Run("conntrack", func(b *testing.B) {
		published(b)
		for b.Loop() {
			out, err := exec.Command("sh", "-c", `conntrack -L -p tcp --orig-port-dst 80 2>/dev/null | awk '{print $5}' | sort | uniq -c | wc -l`).Output()
			if err != nil || string(out) != "500\n" {
				b.Fatalf("%q: %v", out, err)
			}
		}
	})
}
