package setdump

import (
	"fmt"
	"net/netip"
	"os/exec"
	"testing"
	"time"
)

// BenchmarkDump reads a set of addresses with time-outs and counters, ours and nft's way.
func BenchmarkDump(b *testing.B) {
	for _, size := range []int{1000, 65000} {
		b.Run(fmt.Sprintf("ours/%d", size), func(b *testing.B) {
			c := enter(b, addresses("s", netip.MustParseAddr("10.0.0.1"), size, time.Hour))
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				if err := c.Dump(Request{Table: table, Set: "s"}, func(*Element) { n++ }); err != nil || n != size {
					b.Fatalf("%d elements: %v", n, err)
				}
			}
		})
		b.Run(fmt.Sprintf("nft/%d", size), func(b *testing.B) {
			enter(b, addresses("s", netip.MustParseAddr("10.0.0.1"), size, time.Hour))
			for b.Loop() {
				if err := exec.Command("nft", "list", "set", "inet", table, "s").Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
