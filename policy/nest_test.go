package policy

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// randomPrefix returns one of few networks, so that prefixes nest and repeat.
func randomPrefix(random *rand.Rand) netip.Prefix {
	if random.IntN(2) == 0 {
		a := netip.AddrFrom4([4]byte{10, byte(random.IntN(2)), byte(random.IntN(4)), byte(random.IntN(8))})
		return netip.PrefixFrom(a, 8+random.IntN(25)).Masked()
	}
	a := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(random.IntN(2)), 0, byte(random.IntN(4)), 15: byte(random.IntN(4))})
	return netip.PrefixFrom(a, 32+random.IntN(97)).Masked()
}

func TestNestAgreesWithLookingAtEach(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		list := make([]netip.Prefix, random.IntN(20))
		for i := range list {
			list[i] = randomPrefix(random)
		}
		sources := make([]netip.Prefix, random.IntN(60))
		for i := range sources {
			sources[i] = randomPrefix(random)
		}
		slices.SortFunc(sources, ComparePrefix)
		before := slices.Clone(list)
		n, m := newNest(list), newNest(list)
		for _, src := range sources {
			longest := -1
			for _, p := range list {
				if p.Bits() <= src.Bits() && p.Contains(src.Addr()) {
					longest = max(longest, p.Bits())
				}
			}
			if got := n.covers(src); got != (longest >= 0) {
				t.Fatalf("%v within %v: covers says %v", src, list, got)
			}
			got := -1
			if i := m.longest(src); i >= 0 {
				got = m.list[i].Bits()
			}
			if got != longest {
				t.Fatalf("%v within %v: longest has %d bits, want %d", src, list, got, longest)
			}
		}
		if !slices.Equal(before, list) {
			t.Fatal("the list was changed")
		}
	}
}

func TestAlign(t *testing.T) {
	prefixes := func(list ...string) []netip.Prefix {
		var out []netip.Prefix
		for _, s := range list {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	as := prefixes("10.0.0.1/32", "10.0.0.3/32", "2001:db8::/48", "2001:db8::/64")
	bs := prefixes("10.0.0.2/32", "10.0.0.3/32", "2001:db8::/64", "2001:db8:1::/64")
	self := func(p *netip.Prefix) netip.Prefix { return *p }
	var got []string
	align(as, bs, self, self, func(a, b *netip.Prefix) {
		switch {
		case a == nil:
			got = append(got, "right "+b.String())
		case b == nil:
			got = append(got, "left "+a.String())
		default:
			got = append(got, "both "+a.String())
		}
	})
	want := []string{"left 10.0.0.1/32", "right 10.0.0.2/32", "both 10.0.0.3/32", "left 2001:db8::/48", "both 2001:db8::/64", "right 2001:db8:1::/64"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if mixed := []netip.Prefix{as[1], as[0]}; inOrder(mixed, self)[0] != as[0] || mixed[0] != as[1] {
		t.Error("inOrder does not sort a copy")
	}
}
