package policy

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestMemosChangeNothing runs random worlds with what steps remember of their work and without: state and
// decision are the same, byte for byte (P11).
func TestMemosChangeNothing(t *testing.T) {
	const worlds = 40 / fewerWorlds
	blocked := 0
	for seed := range worlds {
		w := newWorld(&dice{rest: rand.New(rand.NewPCG(uint64(seed), 99))})
		var with, without State
		for turn := range turnsPerWorld {
			o := w.turn()
			without.memos, without.joined = nil, nil
			var a, b Decision
			with, a = Step(w.policy, with, o)
			without, b = Step(w.policy, without, o)
			if x, y := mustJSON(t, with, a), mustJSON(t, without, b); x != y {
				t.Fatalf("seed %d, turn %d: with memos\n%s\nwithout\n%s", seed, turn, showDecision(&a), showDecision(&b))
			}
			blocked += len(a.Blocks)
		}
	}
	if blocked < 100*worlds/8 {
		t.Errorf("%d blocks in all turns: too few to tell", blocked)
	}
}

// TestBlocksOfManyServicesAreJoinedOnce: while none of them changes, decisions give out one and the same
// list, which is how those who use it know that nothing changed.
func TestBlocksOfManyServicesAreJoinedOnce(t *testing.T) {
	p := &Policy{Observe: Observe{IPv6Source: 64, MaxSources: 1000}, Limits: Limits{MaxBlocks: 100}}
	s := State{At: 1}
	for _, name := range []string{"mail", "web"} {
		p.Services = append(p.Services, Service{Name: name, Mode: Enforce, Connections: Connections{PerSource: 10},
			Response: Response{Lease: 30 * time.Second, Quiet: time.Minute, BlockAfter: time.Second, BlockFor: []time.Duration{time.Hour}}})
		for _, b := range blockedUntil(time.Hour, hosts("198.51.100.", 1, 5)...) {
			b.Service = name
			s.Blocks = append(s.Blocks, b)
		}
	}
	var last []Block
	for i := range 4 {
		var d Decision
		s, d = Step(p, s, Observation{At: Instant(time.Minute).Add(time.Duration(i) * time.Second)})
		if len(d.Blocks) != 10 {
			t.Fatalf("%d blocks in force, want 10", len(d.Blocks))
		}
		if i > 0 && &d.Blocks[0] != &last[0] {
			t.Errorf("turn %d: nothing changed, and the list is another", i)
		}
		last = d.Blocks
	}
	s, d := Step(p, s, Observation{At: Instant(time.Hour)})
	if len(d.Blocks) != 0 || len(s.Blocks) != 10 {
		t.Errorf("after their end %d blocks are in force and %d remembered, want 0 and 10", len(d.Blocks), len(s.Blocks))
	}
}
