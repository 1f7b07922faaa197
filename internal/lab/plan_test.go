package lab

import (
	"net/netip"
	"testing"
)

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		name string
		r    Range
		v4   string
		v6   string
	}{
		{"clients", ClientRange(), "10.78.0.0/16", "fd78::/32"},
		{"attackers", AttackRange(), "10.66.0.0/16", "fd66::/32"},
		{"spoofed", SpoofRange(), "10.99.0.0/16", "fd99::/32"},
	} {
		if c.r.V4 != netip.MustParsePrefix(c.v4) || c.r.V6 != netip.MustParsePrefix(c.v6) {
			t.Errorf("%s: %v", c.name, c.r)
		}
		for kind, list := range map[string][]netip.Addr{
			"IPv4": c.r.IPv4(rangeSize), "IPv6": c.r.IPv6(rangeSize), "one /64": c.r.OneSubnet(rangeSize),
		} {
			checkSources(t, c.name+" "+kind, c.r, kind, list)
		}
	}
}

// checkSources sees that a list is full, within its range, and of as many subnets as promised.
func checkSources(t *testing.T, name string, r Range, kind string, list []netip.Addr) {
	t.Helper()
	within, bits, subnets := r.V6, 64, rangeSize
	if kind == "IPv4" {
		within, bits = r.V4, 32
	}
	if kind == "one /64" {
		subnets = 1
	}
	seen, nets := map[netip.Addr]bool{}, map[netip.Prefix]bool{}
	for _, a := range list {
		if !within.Contains(a) || a == within.Addr() {
			t.Errorf("%s: %s is not of %s", name, a, within)
		}
		seen[a] = true
		nets[netip.PrefixFrom(a, bits).Masked()] = true
	}
	if len(seen) != rangeSize || len(nets) != subnets {
		t.Errorf("%s: %d addresses of %d subnets, want %d of %d", name, len(seen), len(nets), rangeSize, subnets)
	}
}

func TestRangeBounds(t *testing.T) {
	r := AttackRange()
	if got := len(r.IPv4(1 << 20)); got != rangeSize {
		t.Errorf("too many: %d", got)
	}
	if got := len(r.IPv6(-1)); got != 0 {
		t.Errorf("fewer than none: %d", got)
	}
	if a := r.OneSubnet(2); a[0].String() != "fd66::1" || a[1].String() != "fd66::2" {
		t.Errorf("one subnet begins with %v", a)
	}
}

func TestSpread(t *testing.T) {
	r := AttackRange()
	for _, c := range []struct {
		name         string
		list         []netip.Addr
		within       netip.Prefix
		block        int // prefix length of what is taken in turn
		source       int // prefix length of what counts as a source
		blocks, each int
	}{
		{"IPv4", r.SpreadIPv4(20, 15), r.V4, 24, 32, 20, 15},
		{"IPv6", r.SpreadIPv6(5, 20), r.V6, 48, 64, 5, 20},
		{"all of IPv4", r.SpreadIPv4(1000, 1000), r.V4, 24, 32, 255, 254},
		{"all of IPv6", r.SpreadIPv6(2000, 1001), r.V6, 48, 64, 1000, 1000},
		{"none", r.SpreadIPv4(-1, 5), r.V4, 24, 32, 0, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			blocks, sources := map[netip.Prefix]int{}, map[netip.Prefix]bool{}
			for i, a := range c.list {
				if !c.within.Contains(a) {
					t.Fatalf("%s is not of %s", a, c.within)
				}
				blocks[netip.PrefixFrom(a, c.block).Masked()]++
				sources[netip.PrefixFrom(a, c.source).Masked()] = true
				if want := min(i+1, c.blocks); len(blocks) != want {
					t.Fatalf("the first %d are of %d blocks, want %d", i+1, len(blocks), want)
				}
			}
			if len(c.list) != c.blocks*c.each || len(sources) != len(c.list) {
				t.Errorf("%d addresses of %d sources, want %d", len(c.list), len(sources), c.blocks*c.each)
			}
			for block, n := range blocks {
				if n != c.each {
					t.Errorf("%d of %s, want %d", n, block, c.each)
				}
			}
		})
	}
	for _, a := range append(r.IPv6(rangeSize), r.OneSubnet(rangeSize)...) {
		if a.As16()[5] != 0 {
			t.Fatalf("%s is of a /48 that SpreadIPv6 gives out", a)
		}
	}
}

func TestAddressesOfTheVictim(t *testing.T) {
	if VictimV4().String() != "10.77.0.1" || VictimV6().String() != "fd77::1" || ClientV4().String() != "10.77.0.2" {
		t.Errorf("%s %s %s", VictimV4(), VictimV6(), ClientV4())
	}
}
