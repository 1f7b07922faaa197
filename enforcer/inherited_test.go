package enforcer

import (
	"net/netip"
	"slices"
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
	apply(t, tb, p, d)
	r, err := tb.List()
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
	dropping := prefixed()
	dropping.Services[0].Response.RefuseWith = policy.Drop
	r := Compile(dropping, ladder(0), Environment{})
	if got := Inherited(&r); len(got) != len(ladder(0).Blocks) {
		t.Errorf("of %d blocks that are dropped %d are inherited", len(ladder(0).Blocks), len(got))
	}
}
