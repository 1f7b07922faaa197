package policy

import (
	"net/netip"
	"testing"
	"time"
)

func TestBlockSteps(t *testing.T) {
	r := Response{BlockFor: []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour}}
	for strikes, want := range map[int]time.Duration{1: 10 * time.Minute, 2: time.Hour, 3: 24 * time.Hour, 4: 24 * time.Hour, 1000: 24 * time.Hour} {
		if got := r.blockStep(strikes); got != want {
			t.Errorf("strike %d: %v, want %v", strikes, got, want)
		}
	}
}

func TestJitter(t *testing.T) {
	const length = 10 * time.Minute
	source := netip.MustParsePrefix("198.51.100.7/32")
	seen := make(map[time.Duration]bool)
	for seed := range uint64(500) {
		got := jitter(length, seed, "web", source, 1)
		if got < length-length/10 || got > length+length/10 {
			t.Fatalf("seed %d: %v is more than a tenth off %v", seed, got, length)
		}
		if got != jitter(length, seed, "web", source, 1) {
			t.Fatalf("seed %d: not the same twice", seed)
		}
		seen[got] = true
	}
	if len(seen) < 300 {
		t.Errorf("%d different lengths from 500 seeds", len(seen))
	}
	if jitter(length, 1, "web", source, 1) == jitter(length, 1, "web", source, 2) {
		t.Error("two strikes last equally long")
	}
}

func blocksFor(service string, sources ...string) []BlockState {
	var list []BlockState
	for _, s := range sources {
		list = append(list, BlockState{Service: service, Source: netip.MustParsePrefix(s), Strikes: 1, Until: 100})
	}
	return list
}

func TestBlocksOf(t *testing.T) {
	all := append(blocksFor("mail", "10.0.0.1/32"), blocksFor("web", "10.0.0.1/32", "10.0.0.2/32")...)
	for service, want := range map[string]int{"mail": 1, "web": 2, "ssh": 0, "zoo": 0, "": 0} {
		if got := blocksOf(all, service); len(got.list) != want {
			t.Errorf("%q has %d blocks, want %d", service, len(got.list), want)
		}
	}
	web := blocksOf(all, "web")
	web.change(0).Strikes = 7
	if all[1].Strikes != 1 {
		t.Error("changing a block changes the state it came from")
	}
}

func TestBlockWalk(t *testing.T) {
	blocks := blocksOf(blocksFor("web", "10.0.0.0/24", "10.0.0.7/32", "2001:db8:7::5/128"), "web")
	walk := blocks.walk(50)
	for _, tt := range []struct {
		source  string
		covered bool
	}{{"10.0.0.6/32", true}, {"10.0.0.7/32", true}, {"10.0.1.1/32", false}, {"2001:db8:7::/64", false}} {
		if got := walk.covers(netip.MustParsePrefix(tt.source), false); got != tt.covered {
			t.Errorf("%s covered: %v, want %v", tt.source, got, tt.covered)
		}
		if tt.source == "10.0.0.7/32" {
			walk.held(60, 3)
		}
	}
	for _, b := range blocks.list[:2] {
		if !b.Close || b.Counted != 60 {
			t.Errorf("%v does not know that it still holds connections", b.Source)
		}
	}
	single := SourceCensus{Source: netip.MustParsePrefix("2001:db8:7::/64"), Held: 50, Single: netip.MustParseAddr("2001:db8:7::5"), SingleHeld: 40}
	if got := walk.within(60, &single); got != 40 {
		t.Errorf("%d of the source's connections are blocked, want 40", got)
	}
	later := blocks.walk(100) // walked once for a step: the blocks in force stay
	if !later.covers(netip.MustParsePrefix("10.0.0.6/32"), false) {
		t.Error("a second walk of one step sees other blocks")
	}
	own := blocks.walk(50)
	if own.covers(netip.MustParsePrefix("10.0.0.6/32"), true) || !own.covers(netip.MustParsePrefix("10.0.0.7/32"), true) {
		t.Error("a source with an override is blocked with its prefix, or not by itself")
	}
	if !blocks.anyWithin(netip.MustParsePrefix("2001:db8:7::/64"), netip.Addr{}) ||
		blocks.anyWithin(netip.MustParsePrefix("2001:db8:7::/64"), netip.MustParseAddr("2001:db8:7::5")) ||
		blocks.anyWithin(netip.MustParsePrefix("2001:db8:8::/64"), netip.Addr{}) {
		t.Error("anyWithin does not find exactly the /64 with a blocked address")
	}
}

func TestLengths(t *testing.T) {
	p := &Policy{Observe: Observe{IPv6Source: 64}}
	svc := Service{Capacity: 100, Connections: Connections{PerPrefix: []PrefixLimit{{Bits: 24, Max: 9}, {Bits: 16, Max: 9}, {IPv6: true, Bits: 56, Max: 9}}}}
	for ipv6, want := range map[bool][]int{false: {32, 24, 16}, true: {128, 64, 56, 48}} {
		got := svc.Lengths(p, ipv6)
		if len(got) != len(want) {
			t.Fatalf("IPv6 %v: %v, want %v", ipv6, got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("IPv6 %v: %v, want %v", ipv6, got, want)
			}
		}
	}
	p.Observe.IPv6Source = 40
	if got := svc.Lengths(p, true); len(got) != 3 || got[2] != 40 {
		t.Errorf("sources of 40 bits: %v; a prefix that shares is never longer than a source", got)
	}
}

func TestBlocksEndTogether(t *testing.T) {
	for _, tt := range []struct {
		long time.Duration
		ends int // at most, for a thousand blocks of that length
	}{{time.Minute, 13}, {10 * time.Minute, 53}, {24 * time.Hour, 53}} {
		ends := make(map[Instant]bool)
		for seed := range uint64(1000) {
			end := Instant(time.Hour).Add(jitter(tt.long, seed, "web", netip.MustParsePrefix("198.51.100.7/32"), 1))
			moved := together(end, tt.long)
			if moved < end || moved.Sub(end) >= max(time.Second, tt.long/256) {
				t.Fatalf("%v: an end at %v is moved to %v", tt.long, end, moved)
			}
			if together(moved, tt.long) != moved {
				t.Fatalf("%v: %v is moved twice", tt.long, moved)
			}
			ends[moved] = true
		}
		if len(ends) > tt.ends || len(ends) < 10 {
			t.Errorf("blocks of %v end at %d times, want 10 to %d", tt.long, len(ends), tt.ends)
		}
	}
}
