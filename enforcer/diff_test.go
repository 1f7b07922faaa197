package enforcer

import (
	"net/netip"
	"reflect"
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
	if reflect.DeepEqual(a, b) { // far sooner than cmp knows
		return ""
	}
	return cmp.Diff(a, b, cmpopts.IgnoreUnexported(Rule{}), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b Key) bool { return a == b }))
}

func TestDiffPlans(t *testing.T) {
	p := onePolicy(web())
	one := Compile(p, &policy.Decision{Limits: []policy.Limit{limit("web", "198.51.100.7/32", true, 30*second)}}, Environment{})
	shadow := web()
	shadow.Mode = policy.Shadow
	higher := web()
	higher.Connections.PerSource = 200
	rungs := prefixed()
	climbed := func(at policy.Instant) Ruleset { return Compile(rungs, ladder(at), Environment{}) }
	lower := func(at policy.Instant) Ruleset {
		d := flood("web", at+30*second)
		d.At = at
		return Compile(rungs, d, Environment{})
	}
	exempting := func(at policy.Instant, list ...policy.Exemption) Ruleset {
		d := ladder(at)
		d.Exempt, d.SSH.Admins = append(d.Exempt[:1], list...), nil
		return Compile(rungs, d, Environment{})
	}
	inside := policy.Exemption{Prefix: netip.MustParsePrefix("11.0.0.0/8")}
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
		{"blocks-begin", held(lower(0)), climbed(second), second},
		{"blocks-end", held(climbed(0)), lower(second), second},
		{"block-lease-renewed", held(climbed(0)), climbed(11 * second), 11 * second},
		{"exemptions-change", held(exempting(0)), exempting(second, inside), second},
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
	climbed := func(now policy.Instant) Ruleset { return Compile(prefixed(), ladder(now), Environment{}) }
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
		{"every answer, later", held(climbed(0)), climbed(6 * second), 6 * second},
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

// TestDiffSaysWhenToComeAgain: an element about to end cannot be renewed, only added when it is gone.
func TestDiffSaysWhenToComeAgain(t *testing.T) {
	p := onePolicy(web())
	have := held(Compile(p, flood("web", 30*second), Environment{}))
	now := 30*second - 200*policy.Instant(time.Millisecond)
	plan := Diff(have, Compile(p, flood("web", now+30*second), Environment{}), now)
	if want := (30 * second).Add(expiryAfter); plan.Again != want {
		t.Errorf("come again at %v, want %v", plan.Again, want)
	}
	if again := Diff(held(plan.After), Compile(p, flood("web", plan.Again+30*second), Environment{}), plan.Again); again.Again != 0 || again.Empty() {
		t.Errorf("then there is this to be sent:\n%s", again.String())
	}
	if plan := Diff(have, Compile(p, flood("web", 30*second), Environment{}), now); plan.Again != 0 {
		t.Error("come again although nothing is to be renewed")
	}
}
