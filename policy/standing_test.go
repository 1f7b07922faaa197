package policy

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// standingsOf tells of web's sources.
func standingsOf(p *Policy, s *State, d *Decision, seen *Sight) []Standing {
	for _, sv := range Standings(p, s, d, seen) {
		if sv.Service == "web" {
			return sv.Sources
		}
	}
	return nil
}

func TestStandings(t *testing.T) {
	prefix := netip.MustParsePrefix
	single, block := Limit{Service: "web", Source: prefix("2001:db8:9:1::5/128"), Refuse: true, Held: 140, Max: 100, Reason: Reason{Rule: rulePerSource}},
		Block{Service: "web", Source: prefix("203.0.113.0/24"), Until: explained + 9, Strikes: 2}
	wide := Limit{Service: "web", Source: prefix("192.0.3.0/24"), Refuse: true, Held: 90, Max: 80, Reason: Reason{Rule: rulePerPrefix}}
	share := Limit{Service: "web", Source: prefix("192.0.3.1/32"), Held: 3, Max: 4, Reason: Reason{Rule: ruleCapacity}}
	fast := Limit{Service: "web", Source: prefix("192.0.3.7/32"), Refuse: true, Reason: Reason{Rule: ruleNew}}
	d := Decision{At: explained, Limits: []Limit{{Service: "admin", Source: prefix("10.0.0.1/32"), Max: 1}, wide, share, fast, single}, Blocks: []Block{block},
		Watched: []Watched{{Service: "web", Source: prefix("192.0.3.1/32")}}, Exempt: []Exemption{{Prefix: prefix("198.51.100.64/26"), Service: "web"}}}
	s := State{Blocks: []BlockState{{Service: "web", Source: prefix("192.0.3.3/32"), Strikes: 7}, {Service: "web", Source: prefix("203.0.113.0/24"), Strikes: 2}}}
	seen := &Sight{Census: webCensus(true, map[string]int{"192.0.3.1/32": 3, "192.0.3.3/32": 12, "198.51.100.70/32": 500, "203.0.113.9/32": 1, "2001:db8:9:1::/64": 150}),
		Endings: Endings{Taken: true, Span: 2 * time.Second, Services: []ServiceEndings{{Service: "web", Sources: []SourceEndings{{Source: prefix("192.0.3.7/32"), Ended: 130}}}}},
		SYNs:    []SYNMeter{{Service: "web", Sources: []SYNSource{{Source: prefix("192.0.3.9/32"), Over: 77, Proven: true}}}}}
	for i := range seen.Census.Services[1].Sources {
		if c := &seen.Census.Services[1].Sources[i]; c.Source == share.Source {
			c.HalfOpen = 5
		}
	}
	rate := func(r float64, s Standing) Standing {
		s.RateKnown, s.Rate, s.Known = true, r, true
		if s.Max == 0 {
			s.Max, s.Rule = 100, rulePerSource
		}
		return s
	}
	want := []Standing{
		{Source: wide.Source, Part: true, Known: true, Held: 90, Max: 80, Rule: rulePerPrefix, Limit: &wide},
		rate(0, Standing{Source: prefix("192.0.3.1/32"), Held: 3, HalfOpen: 5, Max: 4, Rule: ruleCapacity, Watched: true, Limit: &wide}), // refused with its prefix
		rate(0, Standing{Source: prefix("192.0.3.3/32"), Held: 12, Limit: &wide, Strikes: 7}),
		rate(65, Standing{Source: prefix("192.0.3.7/32"), Limit: &fast}),
		rate(0, Standing{Source: prefix("192.0.3.9/32"), Limit: &wide, SYNsOver: 77}),
		rate(0, Standing{Source: prefix("198.51.100.70/32"), Held: 500, Max: 2000, Rule: ruleOverride, Exempt: true}),
		{Source: block.Source, Part: true, Block: &block, Strikes: 2},
		rate(0, Standing{Source: prefix("203.0.113.9/32"), Held: 1, Block: &block, Strikes: 2}),
		rate(0, Standing{Source: prefix("2001:db8:9:1::/64"), Held: 150}),
		{Source: single.Source, Part: true, Known: true, Held: 140, Max: 100, Rule: rulePerSource, Limit: &single},
	}
	p := explainedPolicy()
	if diff := cmp.Diff(want, standingsOf(p, &s, &d, seen), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("standings (-want +got):\n%s", diff)
	}
}

func TestStandingsWithoutCounts(t *testing.T) {
	p := explainedPolicy()
	if got := Standings(p, &State{}, &Decision{}, nil); len(got) != 2 || got[0].Service != "admin" || got[1].Service != "web" || len(got[1].Sources) != 0 {
		t.Errorf("with nothing at all: %+v", got)
	}
	d := &Decision{Blocks: []Block{{Service: "web", Source: netip.MustParsePrefix("203.0.113.9/32"), Until: 9}}}
	rest := webCensus(false, map[string]int{"192.0.2.1/32": 3})
	rest.Services[1].Rest = Rest{Sources: 4, Held: 9}
	for name, c := range map[string]struct {
		seen  *Sight
		known bool
	}{
		"no census":        {nil, false},
		"a complete one":   {&Sight{Census: webCensus(true, nil)}, true},
		"some not counted": {&Sight{Census: rest}, false},
	} {
		for _, st := range standingsOf(p, &State{}, d, c.seen) {
			if blocked := st.Block != nil; blocked && (st.Known != c.known || st.Held != 0 || st.RateKnown) || !blocked && !st.Known {
				t.Errorf("%s: %+v", name, st)
			}
		}
	}
	if got := Standings(p, &State{}, d, &Sight{Census: rest})[1].Rest; got != (Rest{Sources: 4, Held: 9}) {
		t.Errorf("rest %+v", got)
	}
}

// TestStandingsOfUnsortedLists holds that nothing depends on the order of the lists, and none is changed.
func TestStandingsOfUnsortedLists(t *testing.T) {
	p := explainedPolicy()
	seen := &Sight{Census: webCensus(true, map[string]int{"192.0.2.1/32": 3, "203.0.113.9/32": 12, "198.51.100.7/32": 5})}
	sources := seen.Census.Services[1].Sources
	sorted := standingsOf(p, &State{}, &Decision{}, seen)
	sources[0], sources[2] = sources[2], sources[0]
	before, _ := json.Marshal(sources)
	if diff := cmp.Diff(sorted, standingsOf(p, &State{}, &Decision{}, seen), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("sorted and not:\n%s", diff)
	}
	if after, _ := json.Marshal(sources); string(after) != string(before) {
		t.Error("the census was sorted in place")
	}
}

// BenchmarkStandings is 100,000 sources and 100,000 blocks, half of them of those, under a policy with as much of
// everything as it may have.
func BenchmarkStandings(b *testing.B) {
	p := hardPolicy()
	o := censusOf(p, 100_000, Instant(time.Hour))
	s, d := Step(p, State{}, o)
	for i := range 100_000 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if i >= 50_000 {
			addr = netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
		}
		d.Blocks = append(d.Blocks, Block{Service: "web", Source: netip.PrefixFrom(addr, 32), Until: o.At.Add(time.Hour), Strikes: 1})
		s.Blocks = append(s.Blocks, BlockState{Service: "web", Source: netip.PrefixFrom(addr, 32), Until: o.At.Add(time.Hour), Strikes: 1})
	}
	seen := &Sight{Census: o.Census}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(Standings(p, &s, &d, seen)[0].Sources); n < 150_000 {
			b.Fatal(n)
		}
	}
}
