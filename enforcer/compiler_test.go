package enforcer

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ebbgate/policy"
)

// TestACompilerRemembersNothingWrong: whatever came before, a compiler makes of a decision what Compile
// makes of it, and its rulesets lead from one to the next.
func TestACompilerRemembersNothingWrong(t *testing.T) {
	for seed := range uint64(12 / fewerRounds) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var m Compiler
		p, have := randomPolicy(rng), Ruleset{}
		d := randomDecision(rng, p, 40*second)
		for turn := range 12 {
			switch rng.IntN(5) {
			case 0: // everything else
				p = randomPolicy(rng)
				d = randomDecision(rng, p, 40*second)
			case 1: // another decision with the very same blocks
				blocks := d.Blocks
				d = randomDecision(rng, p, 40*second)
				d.Blocks = blocks
			case 2: // the same blocks, but not the very same
				d.Blocks = slices.Clone(d.Blocks)
			case 3: // somebody is exempt now
				d.Exempt = append(slices.Clone(d.Exempt), policy.Exemption{Prefix: netip.MustParsePrefix(fmt.Sprintf("10.0.0.%d/32", rng.IntN(16)))})
			}
			got, want := m.Compile(p, d, Environment{}), Compile(p, d, Environment{})
			if diff := rulesetDiff(want, got); diff != "" {
				t.Fatalf("seed %d, turn %d: remembering changed the ruleset:\n%s", seed, turn, diff)
			}
			leads(t, seed, have, got, 15*second)
			have = Diff(held(have), got, 15*second).After
		}
	}
}

// TestACompilerForgets: what a service without blocks had is not kept.
func TestACompilerForgets(t *testing.T) {
	var m Compiler
	m.Compile(prefixed(), ladder(0), Environment{})
	if len(m.placed) == 0 {
		t.Fatal("nothing is remembered of a service with blocks")
	}
	m.Compile(prefixed(), flood("web", 30*second), Environment{})
	if len(m.placed) != 0 {
		t.Errorf("%d services without blocks are remembered", len(m.placed))
	}
}

// manyBlocks is a decision with n blocks of one service.
func manyBlocks(n int) (*policy.Policy, *policy.Decision) {
	p := onePolicy(web())
	p.Limits.MaxBlocks = n
	p.Services[0].Response.BlockAfter = 1
	d := &policy.Decision{Blocks: make([]policy.Block, 0, n)}
	addr := netip.MustParseAddr("10.0.0.0")
	for range n {
		addr = addr.Next()
		d.Blocks = append(d.Blocks, policy.Block{Service: "web", Source: netip.PrefixFrom(addr, 32), Mode: policy.Enforce, Until: 3600 * second})
	}
	return p, d
}

// BenchmarkCompileBlocks compiles a decision with so many blocks, of which none is new, and finds that
// there is nothing to send: without a memory and with one.
func BenchmarkCompileBlocks(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		p, d := manyBlocks(n)
		have := held(Diff(Have{Known: true}, Compile(p, d, Environment{}), 0).After)
		b.Run(fmt.Sprintf("anew/blocks=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if plan := Diff(have, Compile(p, d, Environment{}), 0); !plan.Empty() {
					b.Fatal("something is to be sent")
				}
			}
		})
		var m Compiler
		known := held(Diff(Have{Known: true}, m.Compile(p, d, Environment{}), 0).After)
		b.Run(fmt.Sprintf("remembered/blocks=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if plan := Diff(known, m.Compile(p, d, Environment{}), 0); !plan.Empty() {
					b.Fatal("something is to be sent")
				}
			}
		})
	}
}
