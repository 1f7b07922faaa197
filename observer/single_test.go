package observer

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// tallied counts addresses, held, in the given order, and returns the sources.
func tallied(bits int, order ...netip.Addr) []policy.SourceCensus {
	g := newGrouping(&target{ipv6Source: bits}, nil)
	var tl tally
	tl.reset(1, 1<<20)
	for _, a := range order {
		tl.add(g, 0, addressOf(a), true)
	}
	lists, _ := tl.sources(1, 1<<20)
	return lists[0]
}

func TestSingle(t *testing.T) {
	tests := []struct {
		order string // connections, each by the last digit of its address
		want  string
		held  int
	}{
		{"1", "1", 1},
		{"11111", "1", 5},
		{"0000", "0", 4}, // the group's own address
		{"12", "", 0},
		{"1112", "", 0}, // three quarters: two votes of four are not more than the rest
		{"11112", "1", 3},
		{"21111", "1", 3},
		{"11211", "1", 3},
		{"12345671111111", "", 0},
		{"123456", "", 0},
		{"1122334455", "", 0},
		{"22" + "111111111111", "1", 10},
	}
	for _, tt := range tests {
		var order []netip.Addr
		for _, c := range tt.order {
			order = append(order, netip.MustParseAddr("2001:db8::"+string(c)))
		}
		got := tallied(64, order...)[0]
		want := policy.SourceCensus{Source: netip.MustParsePrefix("2001:db8::/64"), Held: len(order), SingleHeld: tt.held}
		if tt.want != "" {
			want.Single = netip.MustParseAddr("2001:db8::" + tt.want)
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", tt.order, got, want)
		}
	}
}

func TestSingleOfNoGroup(t *testing.T) {
	for _, tt := range []struct {
		addr string
		bits int
	}{{"192.0.2.7", 64}, {"2001:db8::7", 128}, {"::ffff:192.0.2.7", 32}} {
		a := netip.MustParseAddr(tt.addr)
		if got := tallied(tt.bits, a, a, a)[0]; got.Held != 3 || got.Single.IsValid() || got.SingleHeld != 0 {
			t.Errorf("%s by /%d: %+v", tt.addr, tt.bits, got)
		}
	}
	// Half-open connections cast no vote.
	g := newGrouping(&target{ipv6Source: 64}, nil)
	var tl tally
	tl.reset(1, 10)
	for range 5 {
		tl.add(g, 0, addressOf(netip.MustParseAddr("2001:db8::1")), false)
	}
	if lists, _ := tl.sources(1, 10); lists[0][0].HalfOpen != 5 || lists[0][0].Single.IsValid() {
		t.Errorf("half-open only: %+v", lists[0][0])
	}
}

// TestSingleAtEveryLength takes addresses that differ in the first bit beyond the source and in the
// last, while the table grows.
func TestSingleAtEveryLength(t *testing.T) {
	base := netip.MustParseAddr("2001:db8:5a5a:a5a5:1234:5678:9abc:def0")
	flip := func(a netip.Addr, bit int) netip.Addr {
		b := a.As16()
		b[bit/8] ^= 0x80 >> (bit % 8)
		return netip.AddrFrom16(b)
	}
	for bits := 32; bits <= 127; bits++ {
		var order []netip.Addr
		for range 20 {
			order = append(order, base)
		}
		order = append(order, flip(base, bits), flip(base, 127), flip(base, bits-1))
		for i := range 2000 { // other sources
			order = append(order, flip(netip.AddrFrom16([16]byte{0x20, 2, byte(i >> 8), byte(i), 15: byte(i)}), bits))
		}
		found := false
		for _, s := range tallied(bits, order...) {
			if s.Source.Contains(base) {
				found = s.Held == 22 && s.Single == base && s.SingleHeld == 18 && s.Source == s.Source.Masked()
			} else if s.Single.IsValid() != (s.SingleHeld > s.Held-s.SingleHeld) || s.Source != s.Source.Masked() {
				t.Fatalf("/%d: %+v", bits, s)
			}
		}
		if !found {
			t.Errorf("/%d: the heavy address is not found", bits)
		}
	}
}

// TestSingleBounds compares with exact counts, in any order.
func TestSingleBounds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	reported := 0
	for round := range 3000 {
		var order []netip.Addr
		counts := map[netip.Addr]int{}
		for range 1 + rnd.IntN(60) {
			a := netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", rnd.IntN(1+rnd.IntN(1+round%7))))
			order = append(order, a)
			counts[a]++
		}
		s := tallied(64, order...)[0]
		for a, n := range counts {
			switch {
			case s.Single == a && (s.SingleHeld > n || s.SingleHeld < s.Held-2*(s.Held-n) || n <= s.Held-n):
				t.Fatalf("%v holds %d of %d, reported %d", a, n, s.Held, s.SingleHeld)
			case s.Single != a && 4*n > 3*s.Held:
				t.Fatalf("%v holds %d of %d and is not reported", a, n, s.Held)
			}
		}
		if s.Single.IsValid() {
			reported++
		} else if len(counts) == 1 {
			t.Fatalf("one address only, not reported: %+v", s)
		}
	}
	if reported < 100 || reported == 3000 {
		t.Errorf("%d of 3000 have a single address: the test shows nothing", reported)
	}
}

// TestSingleKeptWhole has an address within the group that counts by itself: it has no vote there.
func TestSingleKeptWhole(t *testing.T) {
	exempt := netip.MustParsePrefix("2001:db8::1/128")
	g := newGrouping((&target{ipv6Source: 64}).exempting([]netip.Prefix{exempt}), nil)
	var tl tally
	tl.reset(1, 10)
	for i := range 30 {
		tl.add(g, 0, addressOf(netip.MustParseAddr([]string{"2001:db8::1", "2001:db8::1", "2001:db8::2"}[i%3])), true)
	}
	lists, _ := tl.sources(1, 10)
	if len(lists[0]) != 2 || lists[0][0] != alone("2001:db8::/64", "2001:db8::2", 10) || lists[0][1] != held("2001:db8::1/128", 20) {
		t.Errorf("got %+v", lists[0])
	}
}

func TestSingleInKernel(t *testing.T) {
	o := enter(t, web())
	l := nstest.Listen(t, "[::]:80", 64, nstest.V6Only)
	connect(t, l, 20, "2001:db8:66::9", "["+server6+"]:80")
	connect(t, l, 1, "2001:db8:66::1", "["+server6+"]:80")
	nstest.Await(t, "21 connections held", func() bool { return count(t, o).Services[0].Held == 21 })
	s := count(t, o).Services[0].Sources[0]
	if s.Single != netip.MustParseAddr("2001:db8:66::9") || s.SingleHeld < 19 || s.SingleHeld > 20 {
		t.Errorf("got %+v", s)
	}
}

func TestSingleForwarded(t *testing.T) {
	c := &censor{totals: make([]total, 1), grouping: newGrouping(&target{ipv6Source: 48}, addrs("fd77::1"))}
	c.onward = newOnward([]policy.Service{{Name: "shop", Ports: ports(8080), Traffic: policy.Forwarded}})
	c.tally.reset(1, 100)
	late := func(e *ctnetlink.Entry) { e.State = ctnetlink.CloseWait }
	for i := range 7 {
		c.countForwarded(entry(fmt.Sprintf("[fd66:0:0:5::9]:%d", 1+i), "[fd77::1]:8080", "[fd55::2]:80", late))
	}
	c.countForwarded(entry("[fd66:0:0:6::9]:1", "[fd77::1]:8080", "[fd55::2]:80"))
	c.batch.settle(&c.tally, c.grouping)
	got, err := c.result(&target{services: []policy.Service{{Name: "shop"}}, maxSources: 10}, nil)
	want := policy.SourceCensus{Source: netip.MustParsePrefix("fd66::/48"), Held: 8, Single: netip.MustParseAddr("fd66:0:0:5::9"), SingleHeld: 6}
	if err != nil || len(got.Services[0].Sources) != 1 || got.Services[0].Sources[0] != want || got.Services[0].Unread != 0 {
		t.Errorf("got %+v, %v", got.Services[0], err)
	}
}
