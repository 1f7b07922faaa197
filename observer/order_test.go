package observer

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ebbgate/policy"
)

// TestSortedAgreesWithPolicy compares the order of sources with that of policy.ComparePrefix, with
// IPv6 sources that lie before and beyond the mapped addresses, and the same address twice, as a
// group and by itself.
func TestSortedAgreesWithPolicy(t *testing.T) {
	whole := []netip.Prefix{netip.MustParsePrefix("2001:db8::/128"), netip.MustParsePrefix("::/128")}
	g := newGrouping((&target{ipv6Source: 64}).exempting(whole), nil)
	rnd := rand.New(rand.NewPCG(11, 11))
	var tl tally
	tl.reset(3, 1<<20)
	for _, text := range []string{"::", "::2", "::1:0:0:0:1", "::fffe:a00:1", "::1:0:a00:1", "2001:db8::", "2001:db8::1",
		"0.0.0.0", "255.255.255.255", "ffff::1"} {
		for service := range 3 {
			tl.add(g, service, addressOf(netip.MustParseAddr(text)), true)
		}
	}
	for range 5000 {
		tl.add(g, rnd.IntN(3), addressOf(randomAddr(rnd)), true)
	}
	all := tl.sorted()
	lastService, perService := 0, [3][]netip.Prefix{}
	for i := range all {
		s := &all[i]
		if int(s.service) < lastService {
			t.Fatalf("a source of service %d comes after one of service %d", s.service, lastService)
		}
		lastService = int(s.service)
		perService[s.service] = append(perService[s.service], netip.PrefixFrom(s.base().addr(), int(s.bits)))
	}
	for service, sources := range perService {
		if !slices.IsSortedFunc(sources, policy.ComparePrefix) || len(slices.Compact(slices.Clone(sources))) != len(sources) {
			t.Errorf("service %d: sources out of order, or twice: %v", service, sources)
		}
		for _, p := range whole {
			if !slices.Contains(sources, p) || !slices.Contains(sources, netip.PrefixFrom(p.Addr(), 64)) {
				t.Errorf("service %d: %v or its group is missing", service, p)
			}
		}
	}
}
