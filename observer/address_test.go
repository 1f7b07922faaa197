package observer

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ebbgate/policy"
)

// randomAddr returns addresses that share prefixes often.
func randomAddr(rnd *rand.Rand) netip.Addr {
	if rnd.IntN(2) == 0 {
		return netip.AddrFrom4([4]byte{198, 51, byte(rnd.IntN(2)), byte(rnd.IntN(8))})
	}
	b := [16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8}
	b[5+rnd.IntN(11)] = byte(rnd.IntN(4))
	b[15] |= byte(rnd.IntN(4))
	return netip.AddrFrom16(b)
}

func TestAddressAgreesWithNetip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		a := randomAddr(rnd)
		x := addressOf(a)
		if x.addr() != a || x.is4() != a.Is4() {
			t.Fatalf("%v became %v", a, x.addr())
		}
		if bits := rnd.IntN(129); a.Is6() {
			want := netip.PrefixFrom(a, bits).Masked().Addr()
			if got := x.masked(bits).addr(); got != want {
				t.Fatalf("%v masked to %d: %v, want %v", a, bits, got, want)
			}
		}
	}
}

func TestAddressKinds(t *testing.T) {
	tests := []struct {
		addr     string
		four     bool
		loopback bool
	}{
		{"127.0.0.1", true, true},
		{"127.255.0.9", true, true},
		{"128.0.0.1", true, false},
		{"::1", false, true},
		{"::", false, false},
		{"::127.0.0.1", false, false},
		{"::ffff:127.0.0.1", true, true},
		{"0:0:0:1:0:ffff:7f00:1", false, false},
		{"2001:db8::1", false, false},
	}
	for _, tt := range tests {
		a := addressOf(netip.MustParseAddr(tt.addr))
		if a.is4() != tt.four || a.loopback() != tt.loopback {
			t.Errorf("%s: IPv4 %v, loopback %v", tt.addr, a.is4(), a.loopback())
		}
	}
	if any4 != addressOf(netip.IPv4Unspecified()) || any6 != addressOf(netip.IPv6Unspecified()) {
		t.Error("the unspecified addresses are not what they are called")
	}
}

func TestGroupAgreesWithPolicy(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	for _, bits := range []int{32, 48, 56, 64, 65, 96, 128} {
		g := newGrouping(&target{ipv6Source: bits}, nil)
		for range 2000 {
			a := randomAddr(rnd)
			group, n := g.group(addressOf(a))
			if got, want := netip.PrefixFrom(group.addr(), int(n)), policy.Group(a, bits); got != want {
				t.Fatalf("%v at %d bits: %v, want %v", a, bits, got, want)
			}
		}
	}
}

func TestGroupingKeepsWhole(t *testing.T) {
	p := &policy.Policy{Observe: policy.Observe{IPv6Source: 64}}
	for _, s := range []string{"10.0.0.0/8", "2001:db8:0:1::/64", "2001:db8:0:2::7/128", "2001:db8:0:3:4::/80", "2001:db8:9::/48"} {
		p.Exempt.Prefixes = append(p.Exempt.Prefixes, netip.MustParsePrefix(s))
	}
	tg, err := newTarget(p)
	if err != nil {
		t.Fatal(err)
	}
	g := newGrouping(tg, []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8:0:4::1"), netip.MustParseAddr("fe80::1%lo")})
	tests := []struct {
		addr        string
		mixed, ours bool
		whole       bool
	}{
		{"2001:db8:0:1::5", false, false, false},
		{"2001:db8:0:2::7", true, false, true},
		{"2001:db8:0:2::8", true, false, false},
		{"2001:db8:0:3:4::1", true, false, true},
		{"2001:db8:0:3:5::1", true, false, false},
		{"2001:db8:0:4::1", true, true, true},
		{"2001:db8:0:4::2", true, false, false},
		{"2001:db8:9::1", false, false, false},
		{"fe80::1", true, true, true},
		{"::1", false, true, false},
		{"192.0.2.1", false, true, false},
		{"127.0.0.9", false, true, false},
		{"10.1.2.3", false, false, false},
	}
	for _, tt := range tests {
		a := addressOf(netip.MustParseAddr(tt.addr))
		group, _ := g.group(a)
		if g.mixed(group) != tt.mixed || g.ours(a) != tt.ours || g.mixed(group) && g.whole(a, 0) != tt.whole {
			t.Errorf("%s: mixed %v, ours %v, whole %v", tt.addr, g.mixed(group), g.ours(a), g.whole(a, 0))
		}
	}
	if len(tg.finer) != 2 || !slices.Contains(tg.finer, finerPrefix{addressOf(netip.MustParseAddr("2001:db8:0:2::7")), 128, everyService}) {
		t.Errorf("finer prefixes: %v", tg.finer)
	}
}
