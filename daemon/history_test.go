package daemon

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// ids returns the numbers of attacks.
func ids(list []control.Attack) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.ID)
	}
	return out
}

func TestWhatIsARuleAgainstAnAttack(t *testing.T) {
	limit := policy.Decision{Limits: []policy.Limit{{Service: "web"}}}
	block := policy.Decision{Blocks: []policy.Block{{Service: "web"}}}
	drop := policy.Decision{Drops: []policy.SYNDrop{{Service: "web"}}}
	for _, c := range []struct {
		kind policy.Kind
		want [3]bool // by a limit, a block, a dropped source
	}{
		{policy.ConnectionFlood, [3]bool{true, true, false}},
		{policy.DistributedFlood, [3]bool{true, true, false}},
		{policy.Churn, [3]bool{true, true, false}},
		{policy.SYNFlood, [3]bool{false, false, true}},
		{policy.SpoofedSYNFlood, [3]bool{}},
		{policy.SlowApplication, [3]bool{}},
	} {
		for i, d := range []policy.Decision{limit, block, drop} {
			if got := ruled(&d, &policy.Attack{Service: "web", Kind: c.kind}); got != c.want[i] {
				t.Errorf("%s, decision %d: %t, want %t", c.kind, i, got, c.want[i])
			}
			if ruled(&d, &policy.Attack{Service: "mail", Kind: c.kind}) {
				t.Errorf("%s on another service counts the rules of web as its own", c.kind)
			}
		}
	}
}

func TestAnEndedAttackIsRemembered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		w.pass(time.Second)
		open := w.publisher.told()().Attacks
		if len(open) != 1 || !open[0].Ended.IsZero() || open[0].FirstRule.IsZero() {
			t.Fatalf("open: %+v", open)
		}
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(time.Minute)
		ended := w.publisher.told()().Attacks
		if len(ended) != 1 || ended[0].Ended.IsZero() || ended[0].EndedWhy == "" {
			t.Fatalf("ended: %+v", ended)
		}
		if ended[0].Since != open[0].Since || ended[0].FirstRule != open[0].FirstRule || ended[0].PeakHeld != 25 {
			t.Errorf("the ended attack is told as %+v, the open one was %+v", ended[0], open[0])
		}
		if lasted := ended[0].Ended.Sub(ended[0].Since.Time); lasted < 8*time.Second || lasted > 12*time.Second {
			t.Errorf("it lasted %v by the calendar", lasted)
		}
		w.watcher.hold("mail", "203.0.113.1", 25)
		w.pass(3 * time.Second)
		if got := ids(w.publisher.told()().Attacks); !slices.Equal(got, []string{"2", "1"}) {
			t.Errorf("attacks %v, want the newest first", got)
		}
	})
}

func TestTheLastHundredAreKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		turn := 0
		w.step = func(_ *policy.Policy, _ policy.State, o policy.Observation) (policy.State, policy.Decision) {
			d := policy.Decision{At: o.At}
			for range 2 { // two end in each turn
				turn++
				d.Ended = append(d.Ended, policy.Attack{ID: uint64(turn), Service: "web", Kind: policy.Churn, Began: o.At - 1, Ended: o.At})
			}
			return policy.State{At: o.At}, d
		}
		w.start()
		early := w.publisher.told()
		before := ids(early().Attacks)
		w.pass(20 * time.Second)
		w.stop()
		got := ids(w.publisher.told()().Attacks)
		var want []string
		for i := range control.MaxEnded {
			want = append(want, strconv.Itoa(turn-i))
		}
		if !slices.Equal(got, want) {
			t.Errorf("kept %v\nwant %v", got, want)
		}
		if after := ids(early().Attacks); !slices.Equal(before, after) {
			t.Errorf("what was published as %v says %v now", before, after)
		}
	})
}

func TestAttacksWithoutRulesHaveNoFirstRule(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := policy.Decision{Attacks: []policy.Attack{
			{ID: 1, Service: "web", Kind: policy.ConnectionFlood, Began: w.clock.now()},
			{ID: 2, Service: "web", Kind: policy.SlowApplication, Began: w.clock.now()},
			{ID: 3, Service: "mail", Kind: policy.ConnectionFlood, Began: w.clock.now()},
		}, Limits: []policy.Limit{{Service: "web", Source: prefix("203.0.113.1"), Mode: policy.Enforce, Refuse: true, Max: 10, Until: w.clock.now().Add(time.Hour)}}}
		w.step = always(d)
		w.start()
		w.pass(time.Second)
		w.stop()
		var got []string
		for _, a := range w.publisher.told()().Attacks {
			got = append(got, fmt.Sprintf("%s %t", a.ID, !a.FirstRule.IsZero()))
		}
		if want := []string{"3 false", "2 false", "1 true"}; !slices.Equal(got, want) {
			t.Errorf("attacks with a rule: %v, want %v", got, want)
		}
	})
}

func TestInPeaceNothingIsMadeAnew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := w.make()
		d.remember()
		d.decision.Attacks = []policy.Attack{{ID: 1, Service: "web", Kind: policy.ConnectionFlood}}
		if d.remember(); len(d.history.rules) != 1 || d.history.rules[1] == nil {
			t.Fatalf("of an open attack the policy is %v", d.history.rules)
		}
		d.decision.Attacks = nil
		if d.remember(); len(d.history.first)+len(d.history.rules) != 0 {
			t.Error("what is told of an attack stays when it is over")
		}
		if n := testing.AllocsPerRun(10, d.remember); n != 0 {
			t.Errorf("%v allocations in a turn without attacks", n)
		}
	})
}
