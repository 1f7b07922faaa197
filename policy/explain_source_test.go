package policy

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestExplainAddressThatCountsAlone asks for IPv6 addresses which a census lists beside the rest of their
// source.
func TestExplainAddressThatCountsAlone(t *testing.T) {
	exempt := func(prefix, service string) *Decision {
		return &Decision{Exempt: []Exemption{{Prefix: netip.MustParsePrefix(prefix), Service: service}}}
	}
	override := func(p *Policy) {
		p.Services[0].Overrides = append(p.Services[0].Overrides, Override{Prefix: netip.MustParsePrefix("2001:db8:9:1::7/128"), PerSource: 20})
	}
	const alone, whole, addr = "2001:db8:9:1::7/128", "2001:db8:9:1::/64", "2001:db8:9:1::7"
	both := map[string]int{alone: 30, whole: 4}
	for name, c := range map[string]struct {
		change   func(*Policy)
		decision *Decision
		counts   map[string]int
		addr     string
		source   string
		held     int
		max      int
	}{
		"not exempt":            {nil, &Decision{}, map[string]int{whole: 4}, addr, whole, 4, 100},
		"listed alone":          {nil, &Decision{}, both, addr, alone, 30, 100},
		"its neighbour":         {nil, &Decision{}, both, "2001:db8:9:1::8", whole, 4, 100},
		"exempt by itself":      {nil, exempt(alone, ""), both, addr, alone, 30, 100},
		"it holds nothing":      {nil, exempt(alone, ""), map[string]int{whole: 4}, addr, alone, 0, 100},
		"exempt elsewhere":      {nil, exempt(alone, "admin"), both, addr, alone, 30, 100},
		"exempt with some":      {nil, exempt("2001:db8:9:1::/120", "web"), both, addr, alone, 30, 100},
		"exempt with its /64":   {nil, exempt(whole, ""), map[string]int{whole: 4}, addr, whole, 4, 100},
		"the policy exempts it": {func(p *Policy) { p.Exempt.Prefixes = prefixList(alone) }, &Decision{}, both, addr, alone, 30, 100},
		"it has an override":    {override, &Decision{}, both, addr, alone, 30, 20},
		"its neighbour has one": {override, &Decision{}, both, "2001:db8:9:1::8", whole, 4, 100},
	} {
		t.Run(name, func(t *testing.T) {
			p := explainedPolicy()
			if c.change != nil {
				c.change(p)
			}
			seen := &Sight{Census: webCensus(true, c.counts)}
			seen.Endings = Endings{Taken: true, Span: time.Second, Services: []ServiceEndings{{Service: "web"}}}
			for source, held := range c.counts {
				seen.Endings.Services[0].Sources = append(seen.Endings.Services[0].Sources, SourceEndings{Source: netip.MustParsePrefix(source), Ended: held})
			}
			_, web := explainWeb(p, &State{}, c.decision, seen, c.addr)
			if web.Source.String() != c.source || !web.Known || web.Held != c.held || web.Max != c.max {
				t.Errorf("%v holds %d of %d (known %v), want %s with %d of %d", web.Source, web.Held, web.Max, web.Known, c.source, c.held, c.max)
			}
			if !web.RateKnown || web.Rate != float64(c.held) {
				t.Errorf("opens %v a second (known %v), want %d", web.Rate, web.RateKnown, c.held)
			}
		})
	}
}

func TestExplainWhatTheExemptWouldMeet(t *testing.T) {
	for held, want := range map[int]string{
		0: "exempt: nothing", 99: "exempt: nothing", 100: "exempt; otherwise at the limit: 100 of 100", 130: "exempt; otherwise over the limit: 130 of 100",
	} {
		_, web := explainWeb(explainedPolicy(), &State{}, &Decision{}, &Sight{Census: webCensus(true, map[string]int{"192.0.2.3/32": held})}, "192.0.2.3")
		if diff := cmp.Diff([]string{want}, web.Next); diff != "" {
			t.Errorf("next (-want +got):\n%s", diff)
		}
	}
}
