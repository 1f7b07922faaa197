package suggest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

func TestPerSource(t *testing.T) {
	spike := steady(with(crowd(40, 4), "192.0.2.9", 11))
	spike[7] = held(14, with(crowd(40, 4), "192.0.2.9", 31))
	for _, c := range []struct {
		name                             string
		all                              []policy.Observation
		proposed, sustained, peak, apart int
	}{
		{"everybody modest", steady(crowd(40, 4)), 20, 4, 4, 0},
		{"an ordinary heaviest source", steady(with(crowd(40, 4), "192.0.2.9", 18)), 40, 18, 18, 0},
		{"a moment is no span, but the limit spares it", spike, 40, 11, 31, 0},
		{"one proxy with 500 users", steady(with(crowd(40, 4), "192.0.2.9", 500)), 20, 4, 4, 1},
		{"three proxies among few", steady(with(crowd(12, 4), "192.0.2.9", 500, "192.0.3.9", 60, "192.0.4.9", 70)), 20, 4, 4, 3},
		{"too many to be proxies", steady(with(crowd(8, 2), "192.0.2.9", 90, "192.0.3.9", 90, "192.0.4.9", 90, "192.0.5.9", 90)), 200, 90, 90, 0},
		{"a gentle slope", steady(with(crowd(20, 4), "192.0.2.9", 18, "192.0.3.9", 36, "192.0.4.9", 80, "192.0.5.9", 130)), 300, 130, 130, 0},
		{"above its kind, but not by much", steady(with(crowd(40, 1), "192.0.2.9", 50)), 100, 50, 50, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, s := propose(t, c.all)
			f := &s.PerSource
			if f.Proposed != c.proposed || f.Sustained != c.sustained || f.Peak != c.peak || s.HeavyTotal != c.apart || f.Why != "" {
				t.Errorf("got %+v and %d apart, want %d, %d, %d and %d", f, s.HeavyTotal, c.proposed, c.sustained, c.peak, c.apart)
			}
		})
	}
}

func TestHeavySourceIsNamedAndInNoFigure(t *testing.T) {
	p, s := propose(t, steady(with(crowd(40, 4), "192.0.2.9", 500, "192.0.2.10", 6)))
	want := Heavy{Source: prefix("192.0.2.9"), Sustained: 500, Peak: 500, Share: 75, PerSource: 1000}
	if len(s.Heavy) != 1 || s.Heavy[0] != want {
		t.Errorf("heavy %+v, want %+v", s.Heavy, want)
	}
	if s.PerPrefixIPv4.Sustained != 4 || s.PerPrefixIPv4.Of != 40 {
		t.Errorf("the network of the heavy source is in %+v", s.PerPrefixIPv4)
	}
	for _, line := range []string{"  # [[service.override]]", `  # prefixes = ["192.0.2.9/32"]`, "  # per_source = 1000",
		"  # 192.0.2.9: sustained 500, for a moment 500 (75 % of all)", "  per_source = 20",
		"  # highest sustained: 6 by 192.0.2.10, seen 14:13:30; 16 censuses, 42 sources"} {
		if !strings.Contains(p.TOML, line+"\n") {
			t.Errorf("no line %q in\n%s", line, p.TOML)
		}
	}
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "would hit them") {
		t.Errorf("notes %q", p.Notes)
	}
}

func TestFlashCrowd(t *testing.T) {
	var all []policy.Observation
	for i := range 16 {
		all = append(all, held(float64(2*i), crowd(20+200*i, 5)))
	}
	p, s := propose(t, all)
	if s.PerSource.Proposed != 20 || s.HeavyTotal != 0 || p.Attack || s.Sources != 3020 || s.PeakHeld != 15100 {
		t.Errorf("attack %t, %+v", p.Attack, s)
	}
}

func TestPrefixes(t *testing.T) {
	six := make(map[string]int)
	for i := range 10 {
		six[fmt.Sprintf("2001:db8:%x:1::/64", i)] = 3
		six[fmt.Sprintf("2001:db8:%x:2::/64", i)] = 5 + i
	}
	_, s := propose(t, steady(with(six, "10.0.0.1", 9, "10.0.0.2", 8, "10.0.1.1", 1, "10.0.2.1", 1, "10.0.3.1", 1, "10.0.4.1", 1)))
	if f := s.PerPrefixIPv4; f.Sustained != 17 || f.By.String() != "10.0.0.0/24" || f.Of != 5 || f.Proposed != 60 {
		t.Errorf("IPv4 %+v", f)
	}
	if f := s.PerPrefixIPv6; f.Sustained != 17 || f.By.String() != "2001:db8:9::/48" || f.Of != 10 || f.Proposed != 60 {
		t.Errorf("IPv6 %+v", f)
	}
	if s.PerSource.Proposed != 30 {
		t.Errorf("per source %+v", s.PerSource)
	}
}

func TestNetworkFullOfSources(t *testing.T) {
	counts := crowd(40, 4)
	for i := range 200 {
		counts[fmt.Sprintf("192.0.2.%d", i)] = 4
	}
	_, s := propose(t, steady(counts))
	want := Heavy{Source: prefix("192.0.2.0/24"), Sustained: 800, Peak: 800, Share: 83, PerSource: 20}
	if len(s.Heavy) != 1 || s.Heavy[0] != want || s.PerPrefixIPv4.Proposed != 40 {
		t.Errorf("heavy %+v, networks %+v", s.Heavy, s.PerPrefixIPv4)
	}
}

func TestWideSourcesAreInNoNarrowerPrefix(t *testing.T) {
	counts := make(map[string]int)
	for i := range 10 {
		counts[fmt.Sprintf("2001:%x::/32", i+0x100)] = 3
	}
	_, s := propose(t, steady(counts))
	if s.PerPrefixIPv6.Of != 0 || s.PerPrefixIPv6.Proposed != 0 || s.PerSource.Proposed != 20 {
		t.Errorf("got %+v", s)
	}
}

func TestTooLittle(t *testing.T) {
	broken := steady(crowd(40, 4))
	for i := range broken {
		broken[i].Census.Complete = i < 2
	}
	for _, c := range []struct {
		name string
		all  []policy.Observation
		why  string
	}{
		{"nothing", nil, "0 whole censuses"},
		{"two censuses", steady(crowd(40, 4))[:2], "2 whole censuses"},
		{"four sources", steady(crowd(4, 4)), "4 sources"},
		{"nobody", steady(nil), "0 sources"},
		{"hardly a whole census", broken, "2 whole censuses"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s := propose(t, c.all)
			for _, f := range []Figure{s.PerSource, s.PerPrefixIPv4, s.PerPrefixIPv6, s.NewPerSource, s.SYNPerSource} {
				if f.Proposed != 0 || f.Why == "" {
					t.Errorf("proposed %+v", f)
				}
			}
			if !strings.Contains(s.PerSource.Why, c.why) || !strings.Contains(p.TOML, "nothing proposed: too little was seen") {
				t.Errorf("why %q, want %q", s.PerSource.Why, c.why)
			}
		})
	}
}

func TestOneIsNoPlural(t *testing.T) {
	for n, want := range map[int]string{1: "connections of 1 source ended", 2: "connections of 2 sources ended"} {
		all := []policy.Observation{held(0, crowd(n, 1))}
		for s := 1.0; s <= 4; s++ {
			all = append(all, ended(s, crowd(n, 5)))
		}
		_, svc := propose(t, all)
		if !strings.Contains(svc.NewPerSource.Why, want) || !strings.Contains(svc.PerSource.Why, "1 whole census, at least 3 are needed") {
			t.Errorf("%q and %q, want %q", svc.NewPerSource.Why, svc.PerSource.Why, want)
		}
	}
}

func TestShortWatchIsOneSpan(t *testing.T) {
	all := []policy.Observation{held(0, crowd(9, 4)), held(1, crowd(9, 4)), held(2, crowd(9, 4))}
	if _, s := propose(t, all); s.PerSource.Sustained != 4 || s.PerSource.Proposed != 20 || s.SpansSeen != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestExemptAndOverridesAreInNoFigure(t *testing.T) {
	p := mustParse(t, "exempt.prefixes = [\"192.0.2.0/24\"]\n"+webPolicy+"[[service.override]]\nprefixes = [\"198.51.100.0/24\"]\nper_source = 2000\n")
	all := steady(with(crowd(40, 4), "192.0.2.9", 500, "198.51.100.7", 700))
	all = append(all, ended(31, map[string]int{"192.0.2.9": 900}), ended(32, crowd(9, 1)), ended(33, crowd(9, 1)))
	_, s := proposeBy(t, Options{Policy: p}, all)
	if s.Sources != 40 || s.HeavyTotal != 0 || s.PerPrefixIPv4.Of != 40 || s.NewPerSource.Peak != 1 || s.PeakHeld != 1360 {
		t.Errorf("got %+v", s)
	}
}

func TestRates(t *testing.T) {
	rush := func(n int) (all []policy.Observation) {
		for i := range 12 {
			counts := with(crowd(40, 2), "192.0.2.9", n)
			if i == 4 {
				counts["192.0.3.9"] = 60 // in one second of three
			}
			all = append(all, ended(float64(i), counts))
		}
		return all
	}
	for _, c := range []struct{ heaviest, proposed, sustained, apart int }{{9, 40, 20, 0}, {400, 40, 20, 1}} {
		p, s := propose(t, rush(c.heaviest))
		f := s.NewPerSource
		if f.Proposed != c.proposed || f.Sustained != c.sustained || s.SYNPerSource.Proposed != 200 || s.HeavyTotal != c.apart {
			t.Errorf("%d a second: %+v, %d apart", c.heaviest, f, s.HeavyTotal)
		}
		if c.apart > 0 && (s.Heavy[0].NewPerSource != 800 || !strings.Contains(p.TOML, "  # new_per_source = \"800/s\"\n")) {
			t.Errorf("heavy %+v in\n%s", s.Heavy, p.TOML)
		}
	}
	_, s := propose(t, rush(9)[:2])
	if s.NewPerSource.Proposed != 0 || !strings.Contains(s.NewPerSource.Why, "long enough") {
		t.Errorf("two seconds: %+v", s.NewPerSource)
	}
	lost := rush(9)
	lost[3].Endings.Lost = 1
	if p, _ := propose(t, lost); len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "lower bounds") {
		t.Errorf("notes %q", p.Notes)
	}
}

// TestNobodyOrdinaryWouldHaveBeenLimited: whatever was seen, a source or network that is not named
// never reached what is proposed, and the order of events within a census plays no role.
func TestNobodyOrdinaryWouldHaveBeenLimited(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		var all []policy.Observation
		peaks := make(map[string]int)
		n := 5 + r.IntN(200)
		for i := range 12 {
			counts := make(map[string]int)
			for j := range n {
				if held := int(r.ExpFloat64() * r.ExpFloat64() * 20); held > 0 {
					a := fmt.Sprintf("10.%d.%d.1", j%3, j)
					counts[a], peaks[a] = held, max(peaks[a], held)
				}
			}
			all = append(all, held(float64(3*i), counts))
		}
		p, s := propose(t, all)
		named := make(map[string]bool)
		for _, h := range s.Heavy {
			named[h.Source.Addr().String()] = true
		}
		for a, peak := range peaks {
			if !named[a] && s.HeavyTotal == len(s.Heavy) && peak >= s.PerSource.Proposed {
				t.Errorf("seed %d: %s held %d, the limit is %d", seed, a, peak, s.PerSource.Proposed)
			}
		}
		if again, _ := propose(t, all); again.TOML != p.TOML {
			t.Errorf("seed %d: two runs differ", seed)
		}
	}
}

func TestTwiceTheSpanIsAlwaysSustained(t *testing.T) {
	for from := range 30 {
		var all []policy.Observation
		for i := range 60 {
			counts := crowd(9, 2)
			if i >= from && i <= from+20 {
				counts["192.0.2.9"] = 17
			}
			all = append(all, held(float64(i), counts))
		}
		if _, s := propose(t, all); s.PerSource.Sustained != 17 {
			t.Errorf("from %d s for 20 s: %+v", from, s.PerSource)
		}
	}
}

func TestClockThatGoesBack(t *testing.T) {
	all := append(steady(crowd(9, 4)), steady(crowd(9, 6))...)
	_, s := propose(t, all)
	if s.PerSource.Sustained != 6 || s.Censuses != 32 {
		t.Errorf("got %+v", s)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	o := Options{Policy: mustParse(t, "observe.max_sources = 1000\n"+webPolicy)}
	c := New(o)
	for i := range 6 {
		counts := make(map[string]int)
		for j := range 900 {
			counts[fmt.Sprintf("10.%d.%d.%d", i, j/200, j%200)] = 1 + j%3
		}
		counts["192.0.2.9"] = 30
		obs := held(float64(4*i), counts)
		c.Add(&obs)
		obs = ended(float64(4*i), counts)
		obs.Endings.Span = 4 * time.Second
		c.Add(&obs)
		for _, n := range []int{len(c.services[0].sources.entries), len(c.services[0].prefixes.entries), len(c.services[0].rates.entries)} {
			if n > 1000 {
				t.Fatalf("%d entries", n)
			}
		}
	}
	p := c.Propose(nil)
	if f := p.Services[0].PerSource; f.Sustained != 30 || f.By.String() != "192.0.2.9/32" {
		t.Errorf("the heaviest was lost: %+v", f)
	}
	if len(p.Notes) == 0 || !strings.Contains(strings.Join(p.Notes, " "), "more sources than are kept") {
		t.Errorf("notes %q", p.Notes)
	}
}
