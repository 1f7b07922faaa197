package observer

import (
	"fmt"
	"net/netip"
	"testing"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

func TestSourceCountGroups(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("192.0.2.99"), netip.MustParseAddr("2001:db8::99")}
	whole := []netip.Prefix{netip.MustParsePrefix("2001:db8:0:1::7/128"), netip.MustParsePrefix("192.0.2.7/32")}
	remotes := []string{
		"192.0.2.1:1", "192.0.2.2:1", "192.0.2.7:1", "192.0.3.1:1", "[::ffff:192.0.2.3]:1",
		"[2001:db8:0:1::1]:1", "[2001:db8:0:1::2]:1", "[2001:db8:0:1::7]:1", "[2001:db8:0:2::1]:1",
		"192.0.2.99:1", "[2001:db8::99]:1", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1",
	}
	tests := []struct {
		ipv4, ipv6 int
		want       map[string]int
	}{
		{32, 64, map[string]int{"192.0.2.1/32": 1, "192.0.2.2/32": 1, "192.0.2.3/32": 1, "192.0.2.7/32": 1, "192.0.3.1/32": 1,
			"2001:db8:0:1::/64": 2, "2001:db8:0:1::7/128": 1, "2001:db8:0:2::/64": 1}},
		{24, 48, map[string]int{"192.0.2.0/24": 4, "192.0.3.0/24": 1, "2001:db8::/48": 3, "2001:db8:0:1::7/128": 1}},
		{1, 1, map[string]int{"128.0.0.0/1": 5, "::/1": 3, "2001:db8:0:1::7/128": 1}},
		{23, 128, map[string]int{"192.0.2.0/23": 5, "2001:db8:0:1::1/128": 1, "2001:db8:0:1::2/128": 1, "2001:db8:0:1::7/128": 1, "2001:db8:0:2::1/128": 1}},
	}
	for _, tt := range tests {
		c := NewSourceCount(1, SourceGroup{IPv4: tt.ipv4, IPv6: tt.ipv6, Whole: whole, Own: own}, 1000)
		for _, r := range remotes {
			s := socketOf(inetdiag.Established, "10.0.0.1:80", r)
			c.Add(0, &s, true)
		}
		lists, rests, complete := c.Sources(100)
		got := make(map[string]int)
		for _, s := range lists[0] {
			got[s.Source.String()] = s.Held
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) || rests[0] != (policy.Rest{}) || !complete {
			t.Errorf("/%d and /%d: got %v, rest %v, want %v", tt.ipv4, tt.ipv6, got, rests[0], tt.want)
		}
	}
}

func TestSourceCountKeepsTheHeaviest(t *testing.T) {
	const bound = 64
	c := NewSourceCount(2, SourceGroup{IPv4: 32, IPv6: 64}, bound)
	for round := range 20 {
		heavy := socketOf(inetdiag.Established, "10.0.0.1:80", "203.0.113.9:1")
		c.Add(1, &heavy, round%2 == 0)
		for i := range 10 {
			light := socketOf(inetdiag.Established, "10.0.0.1:80", fmt.Sprintf("198.51.%d.%d:1", round, i))
			c.Add(0, &light, true)
		}
	}
	lists, rests, complete := c.Sources(3)
	if complete {
		t.Error("200 sources were told apart in a table for 64")
	}
	want := policy.SourceCensus{Source: netip.MustParsePrefix("203.0.113.9/32"), Held: 10, HalfOpen: 10}
	if len(lists[1]) != 1 || lists[1][0] != want {
		t.Errorf("got %v, want %v", lists[1], want)
	}
	if len(lists[0]) != 3 || rests[0].Held != 197 {
		t.Errorf("%d sources listed, %d connections in the rest", len(lists[0]), rests[0].Held)
	}
}
