package enforcer

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

func TestMergePrefixes(t *testing.T) {
	tests := []struct {
		name string
		in   []netip.Prefix
		want []string
	}{
		{"none", nil, nil},
		{"contained", prefixes("10.0.0.0/8", "10.2.0.0/16"), []string{"10.0.0.0-10.255.255.255"}},
		{"adjacent", prefixes("10.0.0.0/9", "10.128.0.0/9"), []string{"10.0.0.0-10.255.255.255"}},
		{"apart", prefixes("10.0.0.1/32", "10.0.0.3/32"), []string{"10.0.0.1-10.0.0.1", "10.0.0.3-10.0.0.3"}},
		{"all", prefixes("0.0.0.0/0", "10.0.0.0/8"), []string{"0.0.0.0-255.255.255.255"}},
		{"the last address", prefixes("255.255.255.255/32", "255.255.255.254/32"), []string{"255.255.255.254-255.255.255.255"}},
		{"other family left out", prefixes("2001:db8::/32"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, s := range merge(tt.in, families[0]) {
				got = append(got, s.first.String()+"-"+s.last.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCoverage(t *testing.T) {
	c := cover(prefixes("10.0.0.0/9", "10.128.0.0/9", "192.0.2.7/32", "255.255.255.255/32", "2001:db8:7::/48", "2001:db8:8::9/128"))
	for _, tt := range []struct {
		source string
		want   bool
	}{
		{"10.0.0.0/8", true}, // by its halves
		{"10.0.0.0/32", true},
		{"10.255.255.255/32", true},
		{"10.0.0.0/7", false},
		{"9.255.255.255/32", false},
		{"11.0.0.0/32", false},
		{"192.0.2.7/32", true},
		{"192.0.2.7/31", false}, // not masked, and begins before what is covered
		{"192.0.2.6/31", false},
		{"192.0.2.8/32", false},
		{"0.0.0.0/0", false},
		{"255.255.255.255/32", true},
		{"255.255.255.254/31", false},
		{"2001:db8:7:ffff::/64", true},
		{"2001:db8:7::/47", false},
		{"2001:db8:8::/64", false},
		{"2001:db8:8::9/128", true},
		{"2001:db8:8::a/128", false},
		{"::/0", false},
	} {
		if got := c.covers(netip.MustParsePrefix(tt.source)); got != tt.want {
			t.Errorf("covers(%s) = %t, want %t", tt.source, got, tt.want)
		}
	}
	if len(c.families()) != 2 || !c.contains(netip.MustParseAddr("2001:db8:8::9")) || c.contains(netip.MustParseAddr("2001:db8:8::8")) {
		t.Error("a single address is not found, or its neighbour is")
	}
	if none := cover(nil); len(none.families()) > 0 || none.covers(netip.MustParsePrefix("10.0.0.0/8")) || none.contains(netip.IPv6Loopback()) {
		t.Error("no prefixes cover something")
	}
}

// TestCoverageIsThatOfItsPrefixes compares with the plain search through the list, which it replaces:
// for single addresses both say the same, and no wider source that lies within a prefix is missed.
func TestCoverageIsThatOfItsPrefixes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(spread uint32) netip.Prefix {
		if n := random.Uint32N(spread); random.IntN(2) == 0 {
			return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 20+random.IntN(13)).Masked()
		} else {
			return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 14: byte(n >> 8), 15: byte(n)}), 116+random.IntN(13)).Masked()
		}
	}
	covered := 0
	for range 200 {
		var list []netip.Prefix
		for range random.IntN(20) {
			list = append(list, pick(1<<14))
		}
		c := cover(list)
		for range 100 {
			source := pick(1 << 14)
			want, got := policy.Covers(list, source), c.covers(source)
			if got != want && (want || source.IsSingleIP()) {
				t.Fatalf("covers(%s) = %t, want %t, of %v", source, got, want, list)
			}
			if got {
				covered++
			}
		}
	}
	if covered < 1000 {
		t.Errorf("only %d of 20,000 sources were covered: this compares little", covered)
	}
}
