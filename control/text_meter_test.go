package control

import (
	"net/netip"
	"testing"
)

func TestSYNWords(t *testing.T) {
	one := []Flooder{{Source: netip.MustParsePrefix("203.0.113.9/32"), Over: 7}}
	for _, c := range []struct {
		name  string
		m     SYNMeter
		style style
		want  string
	}{
		{"quiet", SYNMeter{Max: 200, PerS: 40}, plain, "SYNs come at 40/s, no source above 200/s"},
		{"one source", SYNMeter{Max: 200, PerS: 4000, OverPerS: 3800, Sources: 1, Top: one}, care,
			"SYNs come at 4,000/s, 3,800/s of them above 200/s a source: 203.0.113.9 (unproven)"},
		{"more than listed", SYNMeter{Max: 200, PerS: 4000, OverPerS: 3800, Sources: 3000, UnlistedPerS: 9, Top: one}, care,
			"SYNs come at 4,000/s, 3,800/s of them above 200/s a source, and more than can be listed: 203.0.113.9 (unproven) and 2,999 more"},
		{"too many clients to know", SYNMeter{Max: 200, PerS: 4000, OverPerS: 3800, Sources: 1, ProvenFull: true, Top: one}, care,
			"SYNs come at 4,000/s, 3,800/s of them above 200/s a source: 203.0.113.9"},
		{"random", SYNMeter{Max: 200, PerS: 4000, UnmeteredPerS: 1, Sources: 1, Top: one}, care,
			"SYNs come at 4,000/s from more addresses than there can be clients: they are forged, and nobody is to blame by address"},
	} {
		if st, got := synWords(&c.m); got != c.want || st != c.style {
			t.Errorf("%s: style %v, %q; want %v, %q", c.name, st, got, c.style, c.want)
		}
	}
}

func TestMetersShowTheHeaviest(t *testing.T) {
	var ended []Ended
	var floods []Flooder
	for i := range 100 {
		source := netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), 32)
		ended = append(ended, Ended{source, Rate(i % 50)})
		floods = append(floods, Flooder{Source: source, Over: uint64(i % 50)})
	}
	e, f := MostEnded(ended), WorstFlooders(floods)
	if len(e) != MaxMetered || len(f) != MaxMetered {
		t.Fatalf("%d and %d sources are kept, want %d", len(e), len(f), MaxMetered)
	}
	for i := range MaxMetered {
		want := 49 - i/2
		if e[i].PerS != Rate(want) || f[i].Over != uint64(want) {
			t.Errorf("place %d: %v and %d, want %d", i, e[i].PerS, f[i].Over, want)
		}
		if i%2 == 1 && !e[i-1].Source.Addr().Less(e[i].Source.Addr()) {
			t.Errorf("equal sources are not in the order of their addresses: %v, %v", e[i-1].Source, e[i].Source)
		}
	}
}
