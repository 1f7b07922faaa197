package policy

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// turnsPerWorld is long enough for limits, blocks and shares to come and go.
const turnsPerWorld = 120

// pureEvery is how often a turn is also held against itself, which costs more than the turn.
const pureEvery = 8

// TestStepProperties runs random policies over random observations.
func TestStepProperties(t *testing.T) {
	for seed := range 24 / fewerWorlds {
		if t.Failed() {
			return
		}
		live(t, uint64(seed), nil)
	}
}

// FuzzStep lets the fuzzer choose.
func FuzzStep(f *testing.F) {
	f.Add(uint64(1), []byte{})
	f.Add(uint64(2), []byte{0, 1, 0, 3, 7, 7, 7, 0, 0, 0, 0, 255, 3, 1, 1, 1, 4, 4, 4, 0, 9, 11, 13})
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) { live(t, seed, data) })
}

// live runs one random world and checks every turn.
func live(t *testing.T, seed uint64, data []byte) {
	w := newWorld(&dice{data: data, rest: rand.New(rand.NewPCG(seed, 4))})
	seen := newWitness()
	var s, enforced, shadowed State
	for turn := range turnsPerWorld {
		o := w.turn()
		next, d := Step(w.policy, s, o)
		if turn%pureEvery == 0 {
			pure(t, w, s, o)
		}
		seen.look(w, &o)
		for _, problem := range seen.check(w, &s, &next, &o, &d) {
			t.Errorf("seed %d, turn %d at %v: %s", seed, turn, seconds(o.At), problem)
		}
		var acts, passes Decision
		enforced, acts = Step(allIn(w.policy, Enforce), enforced, untouched(o))
		shadowed, passes = Step(allIn(w.policy, Shadow), shadowed, untouched(o))
		if acts, passes = modeless(acts), modeless(passes); !reflect.DeepEqual(acts, passes) {
			t.Errorf("seed %d, turn %d: shadow differs from enforce in more than the mode:\n%s", seed, turn, cmp.Diff(acts, passes, sameValues))
		}
		if t.Failed() {
			t.Logf("decided:\n%s", showDecision(&d))
			return
		}
		s = next
	}
}

// allIn returns the policy with every service in one mode.
func allIn(p *Policy, mode Mode) *Policy {
	copied := *p
	copied.Services = slices.Clone(p.Services)
	for i := range copied.Services {
		copied.Services[i].Mode = mode
	}
	return &copied
}

// pure checks that Step changes no argument, and decides the same from the same (P11).
func pure(t *testing.T, w *world, s State, o Observation) {
	t.Helper()
	before := mustJSON(t, w.policy, s, o)
	next, d := Step(w.policy, s, o)
	first := mustJSON(t, next, d)
	if next, d = Step(w.policy, s, o); mustJSON(t, next, d) != first {
		t.Errorf("at %v: the same input decided differently", seconds(o.At))
	}
	if mustJSON(t, w.policy, s, o) != before {
		t.Errorf("at %v: Step changed its arguments", seconds(o.At))
	}
}

// modeless returns a decision without its modes.
func modeless(d Decision) Decision {
	d.Limits, d.Watched, d.Blocks, d.Reliefs = slices.Clone(d.Limits), slices.Clone(d.Watched), slices.Clone(d.Blocks), slices.Clone(d.Reliefs)
	d.Drops, d.Attacks, d.Ended, d.Events = slices.Clone(d.Drops), slices.Clone(d.Attacks), slices.Clone(d.Ended), slices.Clone(d.Events)
	d.Proxies = slices.Clone(d.Proxies)
	for i := range d.Proxies {
		d.Proxies[i].Mode = 0
	}
	for i := range d.Limits {
		d.Limits[i].Mode = 0
	}
	for i := range d.Watched {
		d.Watched[i].Mode = 0
	}
	for i := range d.Blocks {
		d.Blocks[i].Mode = 0
	}
	for i := range d.Reliefs {
		d.Reliefs[i].Mode = 0
	}
	for i := range d.Drops {
		d.Drops[i].Mode = 0
	}
	for i := range d.Attacks {
		d.Attacks[i].Mode = 0
	}
	for i := range d.Ended {
		d.Ended[i].Mode = 0
	}
	for i := range d.Events {
		d.Events[i].Mode = 0
	}
	return d
}
