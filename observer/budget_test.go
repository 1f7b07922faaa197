package observer

import (
	"math/rand/v2"
	"testing"
	"time"

	"ebbgate/policy"
)

// at is a readable Instant; boot was long ago.
func at(d time.Duration) policy.Instant { return policy.Instant(time.Hour).Add(d) }

func TestBudget(t *testing.T) {
	const routine, suspicious, attack = policy.Routine, policy.Suspicious, policy.UnderAttack
	type turn struct {
		at    time.Duration
		depth policy.Depth
		want  bool
		cost  time.Duration // spent if not 0
	}
	const s, ms = time.Second, time.Millisecond
	tests := []struct {
		name     string
		perMille int
		turns    []turn
	}{
		{"at once when full", 50, []turn{{0, suspicious, true, 0}}},
		{"routine at once when full", 50, []turn{{0, routine, true, 0}}},
		{"no budget", 0, []turn{{0, attack, false, 0}, {time.Hour, attack, false, 0}}},
		{"negative budget", -5, []turn{{time.Hour, suspicious, false, 0}}},
		{"one second at 5 % costs twenty", 50, []turn{
			{0, suspicious, true, 500 * ms}, // what was saved up
			{0, suspicious, false, 0},
			{1 * ms, suspicious, true, 1 * s},
			{19 * s, suspicious, false, 0},
			{20 * s, suspicious, false, 0},
			{20*s + 1*ms, suspicious, true, 0}}},
		{"four times faster under attack", 50, []turn{
			{0, attack, true, 1500 * ms},
			{4900 * ms, attack, false, 0},
			{5001 * ms, attack, true, 0}}},
		{"an attack's rate needs both ends", 50, []turn{
			{0, suspicious, true, 1500 * ms},
			{6 * s, attack, false, 0},
			{12 * s, suspicious, false, 0},
			{19 * s, suspicious, false, 0},
			{21 * s, suspicious, true, 0}}},
		{"saves up ten seconds", 100, []turn{
			{0, suspicious, true, 0},
			{time.Hour, suspicious, true, 1 * s},
			{time.Hour, suspicious, false, 0}}},
		{"routine pauses a second", 1000, []turn{
			{0, routine, true, 1 * ms},
			{999 * ms, routine, false, 0},
			{1 * s, routine, true, 0}}},
		{"routine pauses after any census", 1000, []turn{
			{0, suspicious, true, 1 * ms},
			{500 * ms, routine, false, 0},
			{1 * s, routine, true, 0}}},
		{"routine keeps to a tenth", 100, []turn{ // 10 ms a second
			{0, routine, true, 100 * ms},
			{0, routine, false, 0},
			{2 * s, routine, true, 100 * ms}, // 20 ms were there, 80 ms debt
			{9 * s, routine, false, 0},
			{9 * s, suspicious, true, 0},
			{11 * s, routine, true, 0}}},
		{"suspicion is not charged to routine", 100, []turn{
			{0, suspicious, true, 900 * ms},
			{2 * s, routine, true, 0}}},
		{"a refusal does not change whom a census is charged to", 100, []turn{
			{0, suspicious, true, 1 * s},
			{0, routine, false, 900 * ms}, // ended after a turn without suspicion
			{10 * s, routine, true, 0}}},
		{"routine stands back while in debt", 100, []turn{
			{0, suspicious, true, 2 * s},
			{5 * s, routine, false, 0},
			{11 * s, routine, true, 0}}},
		{"a clock that goes back earns nothing", 100, []turn{
			{10 * s, suspicious, true, 2 * s},
			{0, suspicious, false, 0},
			{19 * s, suspicious, false, 0},
			{21 * s, suspicious, true, 0}}},
		{"negative cost earns nothing", 100, []turn{
			{0, suspicious, true, -time.Hour},
			{0, suspicious, true, 2 * s},
			{9 * s, suspicious, false, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := NewBudget(tt.perMille)
			for i, turn := range tt.turns {
				if got := b.Allow(at(turn.at), turn.depth); got != turn.want {
					t.Fatalf("turn %d at %v: allowed %v, want %v", i, turn.at, got, turn.want)
				}
				if turn.cost != 0 {
					b.Spend(at(turn.at), turn.cost)
				}
			}
		})
	}
}

// TestBudgetHoldsAgainstToggling lets somebody choose the depth at every turn, at random or to
// get the most out of it, and checks every span of time against what Budget promises.
func TestBudgetHoldsAgainstToggling(t *testing.T) {
	depths := map[string][]policy.Depth{
		"routine":    {policy.Routine},
		"suspicious": {policy.Suspicious},
		"toggling":   {policy.Routine, policy.Suspicious},
		"anything":   {policy.Routine, policy.Suspicious, policy.UnderAttack},
	}
	type span struct {
		at   time.Duration
		cost time.Duration
	}
	for name, choice := range depths {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(11, 12))
			for range 20 {
				perMille := 1 + rnd.IntN(300)
				b := NewBudget(perMille)
				var now time.Duration
				var all []span
				var biggest time.Duration
				for range 3000 {
					depth := choice[rnd.IntN(len(choice))]
					cost := time.Duration(0)
					if b.Allow(at(now), depth) {
						cost = time.Duration(rnd.IntN(int(80 * time.Millisecond)))
						b.Spend(at(now), cost)
					}
					biggest = max(biggest, cost)
					all = append(all, span{now, cost})
					now += time.Duration(rnd.IntN(int(400 * time.Millisecond)))
				}
				rate, saved := int64(perMille), 10*time.Second
				switch name {
				case "anything":
					rate *= AttackFactor
				case "routine":
					// a tenth of the rate, and of what is saved up
					rate, saved = 0, 0
				}
				for from := 0; from < len(all); from += 97 {
					var spent time.Duration
					for _, s := range all[from:] {
						spent += s.cost
						length := s.at - all[from].at
						limit := time.Duration(rate*int64(length)/1000+int64(perMille)*int64(saved)/1000) + biggest
						if name == "routine" {
							limit = time.Duration(int64(perMille)*int64(length+10*time.Second)/10000) + biggest
						}
						if spent > limit {
							t.Fatalf("%v spent in %v at %d per mille, allowed %v", spent, length, perMille, limit)
						}
					}
				}
			}
		})
	}
}

func TestBudgetIsUsed(t *testing.T) {
	b := NewBudget(50)
	var spent, now time.Duration
	for ; now < 1000*time.Second; now += 200 * time.Millisecond {
		if b.Allow(at(now), policy.Suspicious) {
			b.Spend(at(now), 30*time.Millisecond)
			spent += 30 * time.Millisecond
		}
	}
	if spent < 50*time.Second || spent > 51*time.Second {
		t.Errorf("%v spent in 1000 s at 5 %%, want the budget of 50 s and what was saved up", spent)
	}
}

func TestBudgetSurvivesExtremes(t *testing.T) {
	b := NewBudget(1000)
	b.Spend(at(0), time.Duration(1<<62))
	if b.Allow(at(time.Second), policy.UnderAttack) {
		t.Error("allowed in deep debt")
	}
	if !b.Allow(policy.Instant(1<<62), policy.UnderAttack) {
		t.Error("not allowed after a century")
	}
}
