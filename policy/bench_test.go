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

func BenchmarkStep(b *testing.B) {
	p := &Policy{Observe: Observe{MaxSources: DefaultMaxSources, IPv6Source: 64},
		Services: []Service{{Name: "web", Mode: Enforce, Connections: Connections{PerSource: 100, CloseExcess: true},
			Response: Response{Lease: 30 * time.Second, Quiet: time.Minute}}}}
	for _, n := range []int{1_000, 100_000} {
		at := Instant(time.Second)
		census := censusOf(p, n, at)
		attacked, _ := Step(p, State{}, census)
		tick := Observation{At: at + 1, Counters: Counters{Valid: true}}
		b.Run(fmt.Sprintf("census/sources=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Step(p, attacked, census)
			}
		})
		b.Run(fmt.Sprintf("tick/sources=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Step(p, attacked, tick)
			}
		})
	}
}
