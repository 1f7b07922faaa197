package enforcer

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"ebbgate/policy"
)

// chance draws what a fuzzer chose, and when that is used up goes on by itself.
type chance struct {
	chosen []byte
	rest   *rand.PCG
}

func newChance(chosen []byte) *rand.Rand {
	return rand.New(&chance{chosen, rand.NewPCG(uint64(len(chosen)), 7)})
}

// Uint64 makes a chance a rand.Source.
func (c *chance) Uint64() uint64 {
	if len(c.chosen) < 2 {
		return c.rest.Uint64()
	}
	// Two bytes are enough for every choice there is; the upper bits decide.
	n := uint64(binary.BigEndian.Uint16(c.chosen)) << 48
	c.chosen = c.chosen[2:]
	return n | c.rest.Uint64()>>16
}

// FuzzDiffLeads: from whatever is there, at whatever time, one plan leads to what is wanted; the Fake
// refuses none of it; and a second plan is empty. What is about to end by itself may be left to do so.
func FuzzDiffLeads(f *testing.F) {
	f.Add([]byte{}, []byte{}, int64(0), true)
	f.Add([]byte("a policy"), []byte("another policy"), int64(15*time.Second), false)
	f.Add([]byte("\x00\xff\x00\xff"), []byte("\xff\xff\xff\xff"), int64(39700*time.Millisecond), true)
	f.Add([]byte("of the leases"), []byte("some have ended"), int64(35010*time.Millisecond), true)
	f.Fuzz(func(t *testing.T, from, to []byte, at int64, same bool) {
		now := policy.Instant(max(0, at) % int64(200*time.Second))
		ours, theirs := newChance(from), newChance(to)
		p := randomPolicy(ours)
		q := p
		if !same {
			q = randomPolicy(theirs)
		}
		env := func(rng *rand.Rand) Environment { return Environment{OthersTrack: rng.IntN(2) == 0} }
		a := Compile(p, randomDecision(ours, p, 40*second), env(ours))
		b := Compile(q, randomDecision(theirs, q, now+30*second), env(theirs))
		fake := Fake{Now: now, Present: !a.Empty(), Ruleset: a.clone()}
		plan := Diff(held(a), b, now)
		if err := fake.Apply(plan); err != nil {
			t.Fatalf("%v\n%s", err, plan.String())
		}
		if d := rulesetDiff(settled(plan.After, a, now), settled(fake.Ruleset, a, now)); d != "" {
			t.Fatalf("the plan does not lead where it says:\n%s", d)
		}
		if d := rulesetDiff(withoutTimes(settled(b, a, now)), withoutTimes(settled(fake.Ruleset, a, now))); d != "" {
			t.Fatalf("not what was wanted:\n%s", d)
		}
		for _, x := range []Ruleset{plan.After, b} {
			if again := Diff(held(x), x, now); !again.Empty() {
				t.Fatalf("from a ruleset to itself:\n%s", again.String())
			}
		}
		if again := Diff(held(plan.After), b, now); !again.Empty() {
			t.Fatalf("a second plan is not empty:\n%s", again.String())
		}
	})
}

// settled leaves out of a ruleset what nothing is said of: elements that are about to end, or have ended
// so lately that the kernel may still have them, and what was to take the place of such in before.
func settled(r, before Ruleset, now policy.Instant) Ruleset {
	d := differ{now: now}
	r = r.clone()
	for i := range r.Sets {
		s := &r.Sets[i]
		old := findSet(&before, s.Name)
		var left []Element
		for _, e := range s.Elements {
			unsure := !d.alive(e)
			if old != nil && s.same(old) {
				for _, o := range old.Elements {
					unsure = unsure || o.Key == e.Key && d.ending(o)
				}
			}
			if !unsure {
				left = append(left, e)
			}
		}
		s.Elements = left
	}
	return r
}
