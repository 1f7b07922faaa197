package enforcer

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ebbgate/policy"
)

func held(r Ruleset) Have { return Have{Known: true, Present: !r.Empty(), Ruleset: r} }

// rulesetDiff compares what two rulesets say; expressions follow from the rules' text.
func rulesetDiff(a, b Ruleset) string {
	return cmp.Diff(a, b, cmpopts.IgnoreUnexported(Rule{}), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b Key) bool { return a == b }))
}

func TestDiffPlans(t *testing.T) {
	p := onePolicy(web())
	one := Compile(p, &policy.Decision{Limits: []policy.Limit{limit("web", "198.51.100.7/32", true, 30*second)}}, Environment{})
	shadow := web()
	shadow.Mode = policy.Shadow
	higher := web()
	higher.Connections.PerSource = 200
	two := func(now policy.Instant) Ruleset { return Compile(p, flood("web", now+30*second), Environment{}) }

	tests := []struct {
		name string
		have Have
		want Ruleset
		now  policy.Instant
	}{
		{"nothing-to-first-limit", held(Ruleset{}), one, 0},
		{"more-sources", held(one), two(second), second},
		{"last-lease-ends", held(two(0)), Ruleset{}, second},
		{"renewal-at-a-third", held(two(0)), two(11 * second), 11 * second},
		{"enforce-to-shadow", held(two(0)), Compile(onePolicy(shadow), flood("web", 31*second), Environment{}), second},
		{"others-begin-to-track", held(two(0)), Compile(p, flood("web", 31*second), Environment{OthersTrack: true}), second},
		{"threshold-changes", held(two(0)), Compile(onePolicy(higher), flood("web", 31*second), Environment{}), second},
		{"left-by-an-earlier-run", Have{Present: true}, one, 0},
		{"left-by-an-earlier-run-in-peace", Have{Present: true}, Ruleset{}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := Diff(tt.have, tt.want, tt.now)
			golden(t, tt.name+".plan", plan.String())
			if tt.have.Known {
				f := Fake{Now: tt.now, Present: tt.have.Present, Ruleset: tt.have.Ruleset.clone()}
				if err := f.Apply(plan); err != nil {
					t.Fatal(err)
				}
				if d := rulesetDiff(plan.After, f.Ruleset); d != "" {
					t.Errorf("the plan does not lead where it says (-says +leads):\n%s", d)
				}
			}
		})
	}
}

func TestDiffSendsNothing(t *testing.T) {
	p := onePolicy(web())
	at := func(evidence policy.Instant) Ruleset {
		return Compile(p, flood("web", evidence+30*second), Environment{})
	}
	tests := []struct {
		name string
		have Have
		want Ruleset
		now  policy.Instant
	}{
		{"the same", held(at(0)), at(0), 0},
		{"the same, later", held(at(0)), at(0), 20 * second},
		{"newer evidence before a third of the lease", held(at(0)), at(9 * second), 9 * second},
		{"peace", held(Ruleset{}), Ruleset{}, 0},
		{"unknown, but no table", Have{}, Ruleset{}, 0},
		{"about to end by itself", held(at(0)), at(30 * second), 30*second - 200*policy.Instant(time.Millisecond)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if plan := Diff(tt.have, tt.want, tt.now); !plan.Empty() {
				t.Errorf("want an empty plan, got:\n%s", plan.String())
			}
		})
	}
}

func TestDiffAfterTheLeases(t *testing.T) {
	p := onePolicy(web())
	have := held(Compile(p, flood("web", 30*second), Environment{}))
	now := 40 * second
	want := Compile(p, flood("web", now+30*second), Environment{})
	plan := Diff(have, want, now)
	if s := plan.String(); strings.Contains(s, "delete element") {
		t.Errorf("elements the kernel has dropped must not be deleted:\n%s", s)
	}
	f := Fake{Now: now, Present: true, Ruleset: have.Ruleset.clone()}
	if err := f.Apply(plan); err != nil {
		t.Fatal(err)
	}
	if d := rulesetDiff(want, f.Ruleset); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestDiffLeadsFromAnyToAny is the property the daemon's recovery rests on: whatever is there,
// one plan leads to what is wanted, and a second plan is empty.
func TestDiffLeadsFromAnyToAny(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 1))
		a, b := randomRuleset(rng, 40*second), randomRuleset(rng, 100*second)
		// 15 s: leases of a last to 40 s, so some are due for renewal; none is about to end.
		now := 15 * second
		f := Fake{Now: now, Present: !a.Empty(), Ruleset: a.clone()}
		plan := Diff(held(a), b, now)
		if err := f.Apply(plan); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if d := rulesetDiff(plan.After, f.Ruleset); d != "" {
			t.Fatalf("seed %d: the plan does not lead where it says:\n%s", seed, d)
		}
		if d := rulesetDiff(withoutTimes(b), withoutTimes(f.Ruleset)); d != "" {
			t.Fatalf("seed %d: not what was wanted:\n%s", seed, d)
		}
		if again := Diff(held(plan.After), b, now); !again.Empty() {
			t.Fatalf("seed %d: a second plan is not empty:\n%s", seed, again.String())
		}
	}
}

// withoutTimes forgets when leases end: a plan may leave a lease that is fresh enough.
func withoutTimes(r Ruleset) Ruleset {
	r = r.clone()
	for i := range r.Sets {
		for j := range r.Sets[i].Elements {
			r.Sets[i].Elements[j].Until = 0
		}
	}
	return r
}

func randomRuleset(rng *rand.Rand, until policy.Instant) Ruleset {
	var svcs []policy.Service
	d := &policy.Decision{}
	for i := range rng.IntN(4) {
		s := web()
		s.Name = fmt.Sprintf("svc%d", rng.IntN(3)+10*i)
		s.Mode = policy.Mode(rng.IntN(2))
		s.Connections.PerSource = 100 * (1 + rng.IntN(2))
		if rng.IntN(3) == 0 {
			s.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
		}
		svcs = append(svcs, s)
		for range rng.IntN(30) {
			end := until - policy.Instant(rng.IntN(10))*second
			var v6 [16]byte
			v6[0], v6[7] = 0xfd, byte(rng.IntN(20))
			if rng.IntN(2) == 0 {
				d.Limits = append(d.Limits, limit(s.Name, fmt.Sprintf("10.0.0.%d/32", len(d.Limits)), rng.IntN(2) == 0, end))
			} else if p := netip.PrefixFrom(netip.AddrFrom16(v6), 64); !listed(d, s.Name, p) {
				d.Limits = append(d.Limits, limit(s.Name, p.String(), rng.IntN(2) == 0, end))
			}
		}
	}
	p := onePolicy(svcs...)
	if rng.IntN(2) == 0 {
		p.Exempt.Prefixes = prefixes("10.0.0.4/30")
	}
	return Compile(p, d, Environment{OthersTrack: rng.IntN(4) == 0})
}

func listed(d *policy.Decision, svc string, p netip.Prefix) bool {
	for _, l := range d.Limits {
		if l.Service == svc && l.Source == p {
			return true
		}
	}
	return false
}

// TestWhatTheKernelCountsIsCountedAnew: connections whose end the kernel no longer sees would
// count against their source for ever.
func TestWhatTheKernelCountsIsCountedAnew(t *testing.T) {
	have := held(Compile(onePolicy(web()), flood("web", 30*second), Environment{}))
	ports, addresses, exempt := onePolicy(web()), onePolicy(web()), onePolicy(web())
	ports.Services[0].Ports[0] = policy.PortRange{First: 90, Last: 90}
	addresses.Services[0].Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	exempt.Exempt.Prefixes = prefixes("192.0.2.50/32")
	for name, p := range map[string]*policy.Policy{"ports": ports, "addresses": addresses, "exempt": exempt} {
		if plan := Diff(have, Compile(p, flood("web", 31*second), Environment{}), second); !plan.Replaces() {
			t.Errorf("%s changed, and the kernel's counts stay:\n%s", name, plan.String())
		}
	}
}
