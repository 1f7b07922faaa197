package enforcer

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// bigFlood refuses n sources.
func bigFlood(n int, until policy.Instant) *policy.Decision {
	d := &policy.Decision{}
	addr := netip.MustParseAddr("10.0.0.0")
	for range n {
		addr = addr.Next()
		d.Limits = append(d.Limits, policy.Limit{Service: "web", Source: netip.PrefixFrom(addr, 32), Mode: policy.Enforce, Refuse: true, Exact: true, Until: until, Max: 100})
	}
	return d
}

func bigPolicy() *policy.Policy {
	p := onePolicy(web())
	p.Observe.MaxSources, p.Limits.MaxBlocks = policy.DefaultMaxSources, policy.DefaultMaxBlocks
	return p
}

// BenchmarkDecide is what the loop does in user space for one decision: compile and compare.
func BenchmarkDecide(b *testing.B) {
	for _, size := range []struct{ sources, exempt int }{{10, 0}, {10_000, 0}, {100_000, 0}, {100_000, 10_000}} {
		b.Run(fmt.Sprintf("unchanged/sources=%d/exempt=%d", size.sources, size.exempt), func(b *testing.B) {
			p, d := bigPolicy(), bigFlood(size.sources, 30*second)
			p.Exempt.Prefixes = manyPrefixes(size.exempt)
			decideUnchanged(b, p, d)
		})
	}
}

// decideUnchanged compiles and compares a decision again and again whose ruleset is there.
func decideUnchanged(b *testing.B, p *policy.Policy, d *policy.Decision) {
	b.Helper()
	have := held(Compile(p, d, Environment{}))
	b.ReportAllocs()
	for b.Loop() {
		if plan := Diff(have, Compile(p, d, Environment{}), 0); !plan.Empty() {
			b.Fatal("not empty")
		}
	}
}

// BenchmarkDecideServices is the same for the most services a policy can have, one source each.
func BenchmarkDecideServices(b *testing.B) {
	for _, exempt := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("exempt=%d", exempt), func(b *testing.B) {
			p, d := bigPolicy(), &policy.Decision{}
			p.Exempt.Prefixes, p.Services = manyPrefixes(exempt), nil
			for i := range policy.MaxServices {
				svc := web()
				svc.Name, svc.Ports = fmt.Sprintf("web%02d", i), []policy.PortRange{{First: uint16(8000 + i), Last: uint16(8000 + i)}}
				p.Services = append(p.Services, svc)
				d.Limits = append(d.Limits, limit(svc.Name, "198.51.100.7/32", true, 30*second))
			}
			b.ReportAllocs()
			for b.Loop() {
				if r := Compile(p, d, Environment{}); r.Empty() {
					b.Fatal("nothing compiled")
				}
			}
		})
	}
}

// BenchmarkCut is what a closing run does in user space: 1,000 blocked sources and 10,000 connections,
// all of which are closed.
func BenchmarkCut(b *testing.B) {
	for _, exempt := range []int{0, 1000, 10_000} {
		b.Run(fmt.Sprintf("exempt=%d", exempt), func(b *testing.B) {
			p, d := bigPolicy(), blockedFlood(1000, 3600*second)
			p.Exempt.Prefixes = manyPrefixes(exempt)
			var socks []*inetdiag.Socket
			for i := range d.Blocks {
				d.Blocks[i].Close = true
				for n := range 10 {
					socks = append(socks, incoming(d.Blocks[i].Source.Addr().String(), 10*i+n))
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				w := newCut(p, d)
				w.doors[netip.MustParseAddrPort("0.0.0.0:80")] = true
				for _, s := range socks {
					w.connection(s)
				}
				if n := len(w.victims()); n != len(socks) {
					b.Fatalf("%d of %d connections are to be closed", n, len(socks))
				}
			}
		})
	}
}

// manyPrefixes are apart from each other and from the sources of bigFlood.
func manyPrefixes(n int) []netip.Prefix {
	var list []netip.Prefix
	for i := range n {
		list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(i >> 8), byte(i), 0}), 25))
	}
	return list
}

// BenchmarkDecideBlocks is the same for sources that are blocked.
func BenchmarkDecideBlocks(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("unchanged/sources=%d", n), func(b *testing.B) {
			p, d := bigPolicy(), blockedFlood(n, 3600*second)
			decideUnchanged(b, p, d)
		})
	}
}

// BenchmarkInherited is what a start costs that takes n blocks over from an earlier run.
func BenchmarkInherited(b *testing.B) {
	for _, exempt := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("blocks=100000/exempt=%d", exempt), func(b *testing.B) {
			p := bigPolicy()
			p.Exempt.Prefixes = manyPrefixes(exempt)
			r := Compile(p, blockedFlood(100_000, 3600*second), Environment{})
			for b.Loop() {
				if n := len(Inherited(&r)); n != 100_000 {
					b.Fatalf("%d blocks", n)
				}
			}
		})
	}
}

// BenchmarkApplyBlocks puts n blocks into the kernel and removes them again.
func BenchmarkApplyBlocks(b *testing.B) {
	for _, n := range []int{100_000} {
		b.Run(fmt.Sprintf("sources=%d", n), func(b *testing.B) {
			tb := open(b)
			p := bigPolicy()
			b.ReportAllocs()
			for b.Loop() {
				now := boottime.Now()
				full := blockedFlood(n, now+3600*second)
				full.At = now
				for _, d := range []*policy.Decision{full, {}} {
					if err := tb.Apply(Diff(tb.Have(), Compile(p, d, Environment{}), now)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// blockedFlood blocks n sources.
func blockedFlood(n int, until policy.Instant) *policy.Decision {
	d := &policy.Decision{}
	for _, l := range bigFlood(n, until).Limits {
		d.Blocks = append(d.Blocks, policy.Block{Service: l.Service, Source: l.Source, Mode: l.Mode, Until: until})
	}
	return d
}

// BenchmarkApply puts a table with n refused and n watched sources into the kernel and removes it
// again, in one transaction each.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{10, 10_000, 100_000} {
		b.Run(fmt.Sprintf("sources=%d", n), func(b *testing.B) {
			tb := open(b)
			p := bigPolicy()
			b.ReportAllocs()
			for b.Loop() {
				now := boottime.Now()
				for _, d := range []*policy.Decision{bigFlood(n, now+300*second), {}} {
					if err := tb.Apply(Diff(tb.Have(), Compile(p, d, Environment{}), now)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkNft is the same by the nft tool, from a file: what BenchmarkApply is to be compared with.
func BenchmarkNft(b *testing.B) {
	for _, n := range []int{10, 10_000, 100_000} {
		b.Run(fmt.Sprintf("sources=%d", n), func(b *testing.B) {
			nstest.Enter(b)
			plan := Diff(Have{Known: true}, Compile(bigPolicy(), bigFlood(n, 300*second), Environment{}), 0)
			file := filepath.Join(b.TempDir(), "rules.nft")
			text := plan.String() + "delete table inet " + TableName + "\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if out, err := exec.Command("nft", "-f", file).CombinedOutput(); err != nil {
					b.Fatalf("%v: %.300s", err, out)
				}
			}
		})
	}
}

// BenchmarkLook is what noticing the changes of others costs a turn while there are none.
func BenchmarkLook(b *testing.B) {
	tb := open(b)
	for b.Loop() {
		if _, err := tb.Look(true); err != nil {
			b.Fatal(err)
		}
	}
}
