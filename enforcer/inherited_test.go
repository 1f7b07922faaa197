package enforcer

import (
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
