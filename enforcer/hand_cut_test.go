package enforcer

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

// TestABlockByHandCutsWhoeverIsMeant: also those with limits of their own, but not who is exempt. A block by
// evidence of the same prefix is not for them.
func TestABlockByHandCutsWhoeverIsMeant(t *testing.T) {
	hand := blocked("198.51.100.0/22")
	hand.Reason.Rule = policy.RuleByHand
	for name, c := range map[string]struct {
		block policy.Block
		want  map[string]int
	}{
		"by hand":     {hand, map[string]int{"198.51.100.1": 1, "198.51.101.5": 1}},
		"by evidence": {blocked("198.51.100.0/22"), map[string]int{"198.51.100.1": 1}},
	} {
		p := onePolicy(web())
		p.Services[0].Overrides = overrides("198.51.101.0/24")
		p.Exempt.Prefixes = append(p.Exempt.Prefixes, netip.MustParsePrefix("198.51.102.0/24"))
		w := newCut(p, &policy.Decision{Blocks: []policy.Block{c.block}})
		w.doors[netip.MustParseAddrPort("0.0.0.0:80")] = true
		for i, from := range []string{"198.51.100.1", "198.51.101.5", "198.51.102.5", "198.51.104.1"} {
			w.connection(incoming(from, i))
		}
		got := make(map[string]int)
		for _, v := range w.victims() {
			got[v.remote.String()]++
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: closed (-want +got):\n%s", name, diff)
		}
	}
}
