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
		d.Limits = append(d.Limits, policy.Limit{Service: "web", Source: netip.PrefixFrom(addr, 32), Mode: policy.Enforce, Refuse: true, Until: until, Max: 100})
	}
	return d
}

func bigPolicy() *policy.Policy {
	p := onePolicy(web())
	p.Observe.MaxSources = policy.DefaultMaxSources
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
