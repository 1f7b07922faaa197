package policy

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// censusOf returns an observation with n sources, every tenth of them over its limit of 100.
func censusOf(p *Policy, n int, at Instant) Observation {
	svc := ServiceCensus{Service: p.Services[0].Name}
	addr := netip.MustParseAddr("10.0.0.0")
	for i := range n {
		addr = addr.Next()
		held := 3
		if i%10 == 0 {
			held = 120
		}
		svc.Sources = append(svc.Sources, SourceCensus{Source: netip.PrefixFrom(addr, 32), Held: held})
		svc.Held += held
	}
	return Observation{At: at, Counters: Counters{Valid: true}, Census: Census{Taken: true, Complete: true, From: at, Services: []ServiceCensus{svc}}}
}

// hardPolicy is a policy with as much of everything as it may have.
func hardPolicy() *Policy {
	p := &Policy{Observe: Observe{MaxSources: DefaultMaxSources, IPv6Source: 64}, Limits: Limits{MaxBlocks: DefaultMaxBlocks},
		Services: []Service{{Name: "web", Mode: Enforce, Connections: Connections{PerSource: 100, CloseExcess: true,
			PerPrefix: []PrefixLimit{{Bits: 24, Max: 100_000}, {Bits: 16, Max: 1_000_000}}},
			Response: Response{Lease: 30 * time.Second, Quiet: time.Minute, BlockAfter: 10 * time.Second, BlockFor: DefaultBlockFor()}}}}
	for i := range MaxExempt {
		p.Exempt.Prefixes = append(p.Exempt.Prefixes, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}), 32))
	}
	for i := range MaxOverrides {
		p.Services[0].Overrides = append(p.Services[0].Overrides, Override{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), PerSource: 90})
	}
	return p
}

// BenchmarkStep is one step with 100,000 sources: of which a tenth is over its limit; under a policy with
// 10,000 exempt prefixes, 1,000 overrides and limits for prefixes; all held to a fair share; and with a
// tenth of them blocked. "tick" is a step without a census after that.
func BenchmarkStep(b *testing.B) {
	plain, shared, blocking := hardPolicy(), hardPolicy(), hardPolicy()
	plain.Exempt, plain.Services[0].Overrides, plain.Services[0].Connections.PerPrefix = Exempt{}, nil, nil
	shared.Services[0].Capacity = 150_000
	for _, tt := range []struct {
		name   string
		policy *Policy
		n      int
		steps  int // a second apart, before the one that is measured
	}{
		{"1000", plain, 1_000, 1},
		{"100000", plain, 100_000, 1},
		{"100000-hard-policy", hardPolicy(), 100_000, 1},
		{"100000-shared", shared, 100_000, 1},
		{"100000-blocked", blocking, 100_000, 12},
	} {
		var s State
		var at Instant
		for range tt.steps {
			at += Instant(time.Second)
			s, _ = Step(tt.policy, s, censusOf(tt.policy, tt.n, at))
		}
		census := censusOf(tt.policy, tt.n, at+1)
		tick := Observation{At: at + 1, Counters: Counters{Valid: true}}
		for name, o := range map[string]Observation{"census": census, "tick": tick} {
			b.Run(name+"/sources="+tt.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Step(tt.policy, s, o)
				}
			})
		}
	}
}

// BenchmarkStepBlocks is one step in which nothing happens, with so many blocks in force, as a fresh
// state has it and as every later one does.
func BenchmarkStepBlocks(b *testing.B) {
	for _, n := range []int{DefaultMaxBlocks, MaxMaxBlocks} {
		p := hardPolicy()
		p.Limits.MaxBlocks = n
		fresh := State{At: 1, Blocks: make([]BlockState, 0, n)}
		addr := netip.MustParseAddr("10.0.0.0")
		for range n {
			addr = addr.Next()
			fresh.Blocks = append(fresh.Blocks, BlockState{Service: "web", Source: netip.PrefixFrom(addr, 32), Cause: ConnectionFlood, Mode: Enforce,
				Peak: 120, Strikes: 1, Since: 1, Until: Instant(time.Hour), Decay: Instant(2 * time.Hour), Reason: Reason{Rule: rulePerSource, Measured: 120, Threshold: 100, At: 1}})
		}
		tick := Observation{At: Instant(time.Minute), Counters: Counters{Valid: true}}
		settled, d := Step(p, fresh, tick)
		if len(d.Blocks) != n {
			b.Fatalf("%d blocks in force, want %d", len(d.Blocks), n)
		}
		for name, s := range map[string]State{"fresh": fresh, "settled": settled} {
			b.Run(fmt.Sprintf("%s/blocks=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Step(p, s, tick)
				}
			})
		}
	}
}
