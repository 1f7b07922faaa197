package enforcer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

// TestApplyOfNothingSendsNothing: the kernel counts every transaction, and none comes of a plan from a
// ruleset to itself.
func TestApplyOfNothingSendsNothing(t *testing.T) {
	tb := open(t)
	p := prefixed()
	for _, d := range []*policy.Decision{{}, ladder(boottime.Now()), flood("web", boottime.Now()+300*second)} {
		apply(t, tb, p, d)
		before, err := tb.generation()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if plan := apply(t, tb, p, d); !plan.Empty() {
				t.Fatalf("from a ruleset to itself:\n%s", plan.String())
			}
		}
		if after, err := tb.generation(); err != nil || after != before {
			t.Errorf("generation %d, then %d, %v: something was sent", before, after, err)
		}
	}
}

// TestTheFakeIsAsStrictAsTheKernel puts random plans, whole and spoiled, to both. What the Fake takes the
// kernel takes, and both hold the same afterwards, as nft reads it; so what is proved with the Fake holds.
func TestTheFakeIsAsStrictAsTheKernel(t *testing.T) {
	tb := open(t)
	taken, refusedByBoth, refusedByFake := 0, 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 11))
		now := boottime.Now()
		a, b := randomRuleset(rng, now+300*second), randomRuleset(rng, now+400*second)
		if err := tb.Apply(Diff(tb.Have(), a, now)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		have := tb.Have()
		fake := Fake{Now: now, Present: have.Present, Ruleset: have.Ruleset.clone()}
		plan := Diff(have, b, now)
		spoiled := "nothing"
		if seed%3 != 0 {
			spoiled = spoil(rng, &plan)
		}
		byFake, byKernel := fake.Apply(plan), tb.commit(&plan)
		switch {
		case byFake != nil && byKernel != nil:
			refusedByBoth++
		case byFake != nil:
			refusedByFake++
		case byKernel != nil:
			t.Errorf("seed %d: the Fake takes what the kernel refuses, with %s: %v", seed, spoiled, byKernel)
		default:
			taken++
			text := ""
			if fake.Present {
				text = listed(t)
			}
			if diff := cmp.Diff(normalOrNone(&fake), normal(text)); diff != "" {
				t.Errorf("seed %d: nft lists something else (-the Fake's +nft):\n%s", seed, diff)
			}
		}
		found, err := tb.find()
		if err != nil {
			t.Fatal(err)
		}
		tb.have = Have{Present: found != nil} // whatever it holds, it is replaced as a whole
	}
	t.Logf("%d plans taken by both, %d refused by both, %d by the Fake alone", taken, refusedByBoth, refusedByFake)
	if taken < 20 || refusedByBoth < 5 {
		t.Error("the plans show too little")
	}
}

func normalOrNone(f *Fake) []string {
	if !f.Present {
		return normal("")
	}
	return normal(f.Ruleset.Format(f.Now))
}

// spoil leaves out, repeats or misplaces one operation of a plan, and says which.
func spoil(rng *rand.Rand, p *Plan) string {
	if p.Empty() {
		return "nothing"
	}
	i, j := rng.IntN(len(p.Ops)), rng.IntN(len(p.Ops))
	first, second := p.Ops[i].text(p.at), p.Ops[j].text(p.at)
	switch rng.IntN(3) {
	case 0:
		p.Ops = slices.Delete(p.Ops, i, i+1)
		return "left out: " + first
	case 1:
		p.Ops = slices.Insert(p.Ops, j, p.Ops[i])
		return "once more, before " + second + ": " + first
	}
	p.Ops[i], p.Ops[j] = p.Ops[j], p.Ops[i]
	return "exchanged: " + first + " and " + second
}
