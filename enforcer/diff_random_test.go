package enforcer

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ebbgate/policy"
)

// TestDiffLeadsFromAnyToAny is the property the daemon's recovery rests on: whatever is there,
// one plan leads to what is wanted, and a second plan is empty.
func TestDiffLeadsFromAnyToAny(t *testing.T) {
	for seed := range uint64(300 / fewerRounds) {
		rng := rand.New(rand.NewPCG(seed, 1))
		a, b := randomRuleset(rng, 40*second), randomRuleset(rng, 100*second)
		if rng.IntN(2) == 0 { // the same policy, another decision
			p := randomPolicy(rng)
			a, b = Compile(p, randomDecision(rng, p, 40*second), Environment{}), Compile(p, randomDecision(rng, p, 100*second), Environment{})
		}
		// 15 s: leases of a last to 40 s, so some are due for renewal; none is about to end.
		leads(t, seed, a, b, 15*second)
	}
}

// leads applies Diff(a, b) to a Fake that holds a.
func leads(t *testing.T, seed uint64, a, b Ruleset, now policy.Instant) {
	t.Helper()
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

// TestNoDecisionReplacesTheTable: under one policy, answers and exemptions come and go and the table
// with its counters stays.
func TestNoDecisionReplacesTheTable(t *testing.T) {
	for seed := range uint64(300 / fewerRounds) {
		rng := rand.New(rand.NewPCG(seed, 2))
		p := randomPolicy(rng)
		a := Compile(p, randomDecision(rng, p, 40*second), Environment{})
		b := Compile(p, randomDecision(rng, p, 100*second), Environment{})
		if plan := Diff(held(a), b, 15*second); plan.Replaces() && !b.Empty() {
			t.Fatalf("seed %d: the table is replaced", seed)
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
	p := randomPolicy(rng)
	return Compile(p, randomDecision(rng, p, until), Environment{OthersTrack: rng.IntN(4) == 0})
}

func randomPolicy(rng *rand.Rand) *policy.Policy {
	p := onePolicy()
	p.Observe.IPv6Source = []int{64, 64, 56, 128}[rng.IntN(4)]
	for i := range rng.IntN(4) {
		s := web()
		s.Name = fmt.Sprintf("svc%d", rng.IntN(3)+10*i)
		s.Mode = policy.Mode(rng.IntN(2))
		s.Traffic = policy.Traffic(rng.IntN(3))
		s.Response.RefuseWith = policy.Refusal(rng.IntN(2))
		s.Ports[1].Last += uint16(rng.IntN(2))
		s.Connections.PerSource = 100 * (1 + rng.IntN(2))
		s.Capacity = rng.IntN(2) * 1000
		if rng.IntN(3) == 0 {
			s.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
		}
		if rng.IntN(2) == 0 {
			s.Connections.PerPrefix = []policy.PrefixLimit{{Bits: 28, Max: 800}, {IPv6: true, Bits: 60, Max: 800}}
		}
		if rng.IntN(3) == 0 {
			s.Overrides = overrides("10.0.0.0/29", "fd00::1:0:0:1/128")[:1+rng.IntN(2)]
		}
		p.Services = append(p.Services, s)
	}
	if rng.IntN(2) == 0 {
		p.Exempt.Prefixes = prefixes("10.0.0.4/30")
	}
	return p
}

// randomDecision has answers of all kinds with all lengths. Leases end within ten seconds of until.
func randomDecision(rng *rand.Rand, p *policy.Policy, until policy.Instant) *policy.Decision {
	d := &policy.Decision{At: until - 30*second}
	end := func() policy.Instant { return until - policy.Instant(rng.IntN(10))*second }
	for _, s := range p.Services {
		for _, source := range randomSources(rng) {
			l := limit(s.Name, source.String(), rng.IntN(2) == 0, end())
			l.Exact = rng.IntN(2) == 0
			d.Limits = append(d.Limits, l)
		}
		if rng.IntN(2) == 0 {
			for _, source := range randomSources(rng) {
				d.Blocks = append(d.Blocks, policy.Block{Service: s.Name, Source: source, Until: end() + 1000*second})
			}
		}
		if rng.IntN(2) == 0 {
			d.Meters = append(d.Meters, policy.Meter{Service: s.Name, Max: 100 * (1 + rng.IntN(2)), Until: end()})
		}
		for _, source := range randomSources(rng) {
			d.Drops = append(d.Drops, policy.SYNDrop{Service: s.Name, Source: source, Until: end()})
		}
	}
	if rng.IntN(2) == 0 {
		d.SSH = policy.SSH{Ports: []uint16{22, uint16(22 + rng.IntN(3))}, Admins: []netip.Addr{netip.MustParseAddr("10.0.0.9")}}
	}
	d.Exempt = randomExemptions(rng, p)
	return d
}

// randomExemptions overlap, touch and contain each other.
func randomExemptions(rng *rand.Rand, p *policy.Policy) []policy.Exemption {
	var list []policy.Exemption
	for _, source := range randomSources(rng) {
		e := policy.Exemption{Prefix: source}
		if n := len(p.Services); n > 0 && rng.IntN(2) == 0 {
			e.Service = p.Services[rng.IntN(n)].Name
		}
		list = append(list, e)
	}
	return list
}

// randomSources returns up to 30 different prefixes of many lengths, sorted.
func randomSources(rng *rand.Rand) []netip.Prefix {
	var list []netip.Prefix
	for range rng.IntN(30) {
		v4 := netip.AddrFrom4([4]byte{10, 0, byte(rng.IntN(2)), byte(rng.IntN(64))})
		v6 := netip.AddrFrom16([16]byte{0: 0xfd, 6: byte(rng.IntN(3)), 7: byte(rng.IntN(20)), 15: byte(rng.IntN(3))})
		bits4, bits6 := []int{32, 32, 28, 24}, []int{128, 64, 64, 60, 48}
		list = append(list, netip.PrefixFrom(v4, bits4[rng.IntN(len(bits4))]).Masked(), netip.PrefixFrom(v6, bits6[rng.IntN(len(bits6))]).Masked())
	}
	slices.SortFunc(list, policy.ComparePrefix)
	return slices.Compact(list)
}
