package enforcer

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ebbgate/internal/boottime"
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
	for _, n := range []int{10, 10_000, 100_000} {
		b.Run(fmt.Sprintf("unchanged/sources=%d", n), func(b *testing.B) {
			p, d := bigPolicy(), bigFlood(n, 30*second)
			have := held(Compile(p, d, Environment{}))
			b.ReportAllocs()
			for b.Loop() {
				if plan := Diff(have, Compile(p, d, Environment{}), 0); !plan.Empty() {
					b.Fatal("not empty")
				}
			}
		})
	}
}

// BenchmarkDecideBlocks is the same for sources that are blocked.
func BenchmarkDecideBlocks(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("unchanged/sources=%d", n), func(b *testing.B) {
			p, d := bigPolicy(), blockedFlood(n, 3600*second)
			have := held(Compile(p, d, Environment{}))
			b.ReportAllocs()
			for b.Loop() {
				if plan := Diff(have, Compile(p, d, Environment{}), 0); !plan.Empty() {
					b.Fatal("not empty")
				}
			}
		})
	}
}

// BenchmarkApplyBlocks puts n blocks into the kernel and removes them again.
func BenchmarkApplyBlocks(b *testing.B) {
	for _, n := range []int{100_000} {
		b.Run(fmt.Sprintf("sources=%d", n), func(b *testing.B) {
			nstest.Enter(b)
			tb, err := Open()
			if err != nil {
				b.Fatal(err)
			}
			defer tb.Close()
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
			nstest.Enter(b)
			tb, err := Open()
			if err != nil {
				b.Fatal(err)
			}
			defer tb.Close()
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
	nstest.Enter(b)
	tb, err := Open()
	if err != nil {
		b.Fatal(err)
	}
	defer tb.Close()
	for b.Loop() {
		if _, err := tb.Look(true); err != nil {
			b.Fatal(err)
		}
	}
}
