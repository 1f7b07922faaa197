package enforcer

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

var samePrefix = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

// TestInheritedAreTheBlocksInForce: from what the kernel lists, of every length, with their ends.
func TestInheritedAreTheBlocksInForce(t *testing.T) {
	tb := open(t)
	p, now := prefixed(), boottime.Now()
	d := ladder(now)
	p.Exempt, d.Exempt = policy.Exempt{}, nil
	apply(t, tb, p, d)
	r, err := tb.readBack()
	if err != nil {
		t.Fatal(err)
	}
	var want []policy.Inherited
	for _, b := range d.Blocks {
		want = append(want, policy.Inherited{Service: b.Service, Source: b.Source, Until: b.Until})
	}
	slices.SortFunc(want, func(a, b policy.Inherited) int { return policy.ComparePrefix(a.Source, b.Source) })
	if diff := cmp.Diff(want, Inherited(&r), samePrefix, sameAsListed); diff != "" || len(want) < 5 {
		t.Errorf("of %d blocks (-decided +inherited):\n%s", len(want), diff)
	}
}

func TestInheritedLeavesOut(t *testing.T) {
	for name, change := range map[string]func(*policy.Policy, *policy.Decision){
		"blocks in shadow mode":  func(p *policy.Policy, _ *policy.Decision) { p.Services[0].Mode = policy.Shadow },
		"limits, without blocks": func(_ *policy.Policy, d *policy.Decision) { d.Blocks = nil },
		"a table in peace":       func(_ *policy.Policy, d *policy.Decision) { *d = policy.Decision{} },
	} {
		t.Run(name, func(t *testing.T) {
			p, d := prefixed(), ladder(0)
			change(p, d)
			r := Compile(p, d, Environment{})
			if got := Inherited(&r); len(got) != 0 {
				t.Errorf("inherited are %v", got)
			}
		})
	}
	dropping, d := prefixed(), ladder(0)
	dropping.Services[0].Response.RefuseWith = policy.Drop
	dropping.Exempt, d.Exempt = policy.Exempt{}, nil
	r := Compile(dropping, d, Environment{})
	if got := Inherited(&r); len(got) != len(d.Blocks) {
		t.Errorf("of %d blocks that are dropped %d are inherited", len(d.Blocks), len(got))
	}
}

// TestWhoWasExemptIsNotInherited: the operator's exemptions are forgotten with the daemon, and a block of
// the prefix around one must not turn against him.
func TestWhoWasExemptIsNotInherited(t *testing.T) {
	for name, e := range map[string]policy.Exemption{
		"everywhere":     {Prefix: netip.MustParsePrefix("192.0.2.77/32")},
		"of the service": {Service: "web", Prefix: netip.MustParsePrefix("192.0.2.77/32")},
	} {
		t.Run(name, func(t *testing.T) {
			p, d := prefixed(), ladder(0)
			p.Exempt, d.Exempt = policy.Exempt{}, []policy.Exemption{e}
			r := Compile(p, d, Environment{})
			var got []string
			for _, b := range Inherited(&r) {
				got = append(got, b.Source.String())
			}
			const want = "192.0.2.1/32 2001:db8:b::/64 2001:db8:b::1/128 2001:db8:c::/56 2001:db8:d::/48"
			if strings.Join(got, " ") != want {
				t.Errorf("inherited are %v, want %s", got, want)
			}
		})
	}
}

// TestEveryOverlapIsFound compares touches with a look at each prefix.
func TestEveryOverlapIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 9))
	random := func() netip.Prefix { // close together, so that many overlap
		bits := 20 + rng.IntN(13)
		a := netip.AddrFrom4([4]byte{10, 0, byte(rng.IntN(16)), byte(rng.IntN(256))})
		if rng.IntN(2) == 0 {
			a, bits = netip.AddrFrom16([16]byte{0: 0x20, 14: byte(rng.IntN(16)), 15: byte(rng.IntN(256))}), bits+96
		}
		return netip.PrefixFrom(a, bits).Masked()
	}
	found := 0
	for range 300 {
		var exempt []netip.Prefix
		for range rng.IntN(12) {
			exempt = append(exempt, random())
		}
		p, d := prefixed(), ladder(0)
		p.Exempt, d.Exempt = policy.Exempt{Prefixes: exempt}, nil
		r := Compile(p, d, Environment{})
		for range 20 {
			source := random()
			want := slices.ContainsFunc(exempt, source.Overlaps)
			if got := touches(&r, "exempt", source); got != want {
				t.Fatalf("%s touches %v: %t, want %t", source, exempt, got, want)
			}
			if want {
				found++
			}
		}
	}
	if found < 500 || found > 5500 {
		t.Errorf("%d of 6000 overlap: too few or too many to tell", found)
	}
}
