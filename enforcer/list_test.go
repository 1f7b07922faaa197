package enforcer

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

// later returns a decision whose leases end that much later.
func later(d *policy.Decision, by policy.Instant) *policy.Decision {
	c := *d
	c.At += by
	c.Limits, c.Watched, c.Blocks, c.Drops, c.Meters = append([]policy.Limit(nil), d.Limits...), append([]policy.Watched(nil), d.Watched...),
		append([]policy.Block(nil), d.Blocks...), append([]policy.SYNDrop(nil), d.Drops...), append([]policy.Meter(nil), d.Meters...)
	for i := range c.Limits {
		c.Limits[i].Until += by
	}
	for i := range c.Watched {
		c.Watched[i].Until += by
	}
	for i := range c.Blocks {
		c.Blocks[i].Until += by
	}
	for i := range c.Drops {
		c.Drops[i].Until += by
	}
	for i := range c.Meters {
		c.Meters[i].Until += by
	}
	c.Proxies = append([]policy.Proxy(nil), d.Proxies...)
	for i := range c.Proxies {
		if p := &c.Proxies[i]; p.Until != 0 {
			p.Until += by
		}
		c.Proxies[i].Drain += by
	}
	return &c
}

// sameAsListed compares rulesets whole, expressions included.
var sameAsListed = cmp.Options{cmp.AllowUnexported(Rule{}, Key{}), cmpopts.EquateEmpty(), cmp.Comparer(sameTime)}

// sameTime allows for a time-out that has run down a little, and for the kernel, which counts in ticks of its
// clock.
func sameTime(a, b policy.Instant) bool { return a.Sub(b).Abs() < 2*time.Second }

// timedAs returns a copy of a ruleset whose leases end exactly as another's, where they end at the same time,
// and in which what is empty is empty in the same way.
func timedAs(r, other Ruleset) Ruleset {
	r = r.clone()
	for i := range min(len(r.Sets), len(other.Sets)) {
		if len(r.Sets[i].Elements)+len(other.Sets[i].Elements) == 0 {
			r.Sets[i].Elements = other.Sets[i].Elements
		}
		for j := range min(len(r.Sets[i].Elements), len(other.Sets[i].Elements)) {
			if e, o := &r.Sets[i].Elements[j], other.Sets[i].Elements[j].Until; sameTime(e.Until, o) {
				e.Until = o
			}
		}
	}
	return r
}

// listsWhatItHas checks that what is listed is what we think the kernel has, and returns it.
func listsWhatItHas(t *testing.T, tb *Table) Ruleset {
	t.Helper()
	got, err := tb.readBack()
	if err != nil {
		t.Fatal(err)
	}
	have := tb.Have().Ruleset
	if reflect.DeepEqual(have, timedAs(got, have)) { // far sooner than cmp knows
		return got
	}
	if diff := cmp.Diff(have, got, sameAsListed); diff != "" {
		t.Fatalf("the list is another (-had +listed):\n%s", diff)
	}
	return got
}

// TestListGivesBackEveryGoldenRuleset: of every ruleset in testdata the kernel's list is the ruleset,
// and the way from there to the ruleset again sends nothing.
func TestListGivesBackEveryGoldenRuleset(t *testing.T) {
	for _, tt := range goldens() {
		t.Run(tt.name, func(t *testing.T) {
			tb := open(t)
			d := later(tt.d, boottime.Now())
			want := Compile(tt.p, d, tt.env)
			plan := Diff(tb.Have(), want, boottime.Now())
			if err := tb.Apply(plan); err != nil {
				t.Fatal(err)
			}
			got := listsWhatItHas(t, tb)
			if again := Diff(Have{Known: true, Present: true, Ruleset: got}, want, boottime.Now()); !again.Empty() {
				t.Errorf("from the list to what was listed takes:\n%s", again.String())
			}
			isListed(t, got, listed(t))
		})
	}
}

// TestListGivesBackRandomRulesets: whatever policy and decision there may be.
func TestListGivesBackRandomRulesets(t *testing.T) {
	tb := open(t)
	rng := rand.New(rand.NewPCG(7, 11))
	for range 10 {
		p := randomPolicy(rng)
		for range 3 {
			d := randomDecision(rng, p, boottime.Now()+300*second)
			apply(t, tb, p, d)
			got := listsWhatItHas(t, tb)
			want := Compile(p, d, tb.Environment())
			had := Diff(tb.Have(), want, boottime.Now())
			has := Diff(Have{Known: true, Present: tb.Have().Present, Ruleset: got}, want, boottime.Now())
			if has.String() != had.String() {
				t.Fatalf("from the list it takes:\n%s\nand from what we had:\n%s", has.String(), had.String())
			}
		}
	}
}
