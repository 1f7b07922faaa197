package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	comparePrefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	compareAddrs    = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
)

// TestStepDuplicated feeds every observation twice. The second time nothing may happen: what holds is
// the same, and nothing is reported. The turns themselves must decide exactly as without.
func TestStepDuplicated(t *testing.T) {
	eachVaried(t, func(t *testing.T, sc *scenario) {
		plain := sc.decisions()
		var s State
		for i, turn := range sc.turns {
			var first, second Decision
			s, first = Step(turn.policy, s, turn.observation)
			same(t, "first of two", turn, plain[i], first)
			s, second = Step(turn.policy, s, turn.observation)
			if len(second.Events) > 0 || len(second.Ended) > 0 {
				t.Fatalf("the second of %q reports %+v and ends %+v", turn.text, second.Events, second.Ended)
			}
			same(t, "second of two", turn, level(first), level(second))
		}
	})
}

// TestStepEmptyTicks inserts turns in which nothing new is known: a nanosecond after each one, and a tick
// after it or half way to the next one, whichever is sooner. What holds in the turns must be the same,
// and the same must be reported in the end, though what is due to happen with time may be noticed
// and reported in an inserted turn, earlier.
func TestStepEmptyTicks(t *testing.T) {
	eachVaried(t, func(t *testing.T, sc *scenario) {
		var s State
		var want, got []Event
		for i, plain := range sc.decisions() {
			turn := sc.turns[i]
			var d Decision
			s, d = Step(turn.policy, s, turn.observation)
			same(t, "empty ticks", turn, timeless(level(plain)), timeless(level(d)))
			want, got = append(want, plain.Events...), append(got, d.Events...)
			for _, after := range between(sc, i) {
				s, d = Step(turn.policy, s, empty(turn.observation, after))
				got = append(got, d.Events...)
			}
		}
		if diff := cmp.Diff(reported(want), reported(got)); diff != "" {
			t.Errorf("reports differ (-plain +with empty ticks):\n%s", diff)
		}
	})
}

// between returns how long after a turn empty ones are inserted; behind the last turn none are.
func between(sc *scenario, i int) []time.Duration {
	if i == len(sc.turns)-1 {
		return nil
	}
	list := []time.Duration{1}
	gap := sc.turns[i+1].observation.At.Sub(sc.turns[i].observation.At)
	switch {
	case gap < 0: // the machine was started anew
	case gap < 4:
		return nil
	default:
		list = append(list, min(sc.turns[i].policy.Observe.Tick, gap/2))
	}
	return list
}

// empty is the observation of a turn in which nothing was counted and nothing changed.
func empty(o Observation, after time.Duration) Observation {
	return Observation{At: o.At.Add(after), Wall: o.Wall + int64(after), Counters: o.Counters, Listeners: o.Listeners, Sessions: o.Sessions}
}

// TestStepReordered gives the lists of every observation in other orders. Everything must be the same.
func TestStepReordered(t *testing.T) {
	eachVaried(t, func(t *testing.T, sc *scenario) {
		dice, decided := rand.New(rand.NewPCG(1, 2)), sc.decisions()
		for name, order := range map[string]func(int, func(i, j int)){
			"reversed": func(n int, swap func(i, j int)) {
				for i := range n / 2 {
					swap(i, n-1-i)
				}
			},
			"shuffled": dice.Shuffle,
		} {
			var s State
			for i, plain := range decided {
				var d Decision
				s, d = Step(sc.turns[i].policy, s, reordered(sc.turns[i].observation, order))
				same(t, name, sc.turns[i], plain, d)
			}
		}
	})
}

// reordered returns a copy of an observation with its lists in another order.
func reordered(o Observation, order func(int, func(i, j int))) Observation {
	o.Census.Services = mixed(o.Census.Services, order)
	for i := range o.Census.Services {
		o.Census.Services[i].Sources = mixed(o.Census.Services[i].Sources, order)
	}
	o.Endings.Services = mixed(o.Endings.Services, order)
	for i := range o.Endings.Services {
		o.Endings.Services[i].Sources = mixed(o.Endings.Services[i].Sources, order)
	}
	o.SYNs = mixed(o.SYNs, order)
	for i := range o.SYNs {
		o.SYNs[i].Sources = mixed(o.SYNs[i].Sources, order)
	}
	o.Listeners = mixed(o.Listeners, order)
	o.Sessions = mixed(o.Sessions, order)
	o.Closed = mixed(o.Closed, order)
	return o
}

func mixed[T any](list []T, order func(int, func(i, j int))) []T {
	list = slices.Clone(list)
	order(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// TestStepRestarted saves the state after every turn and goes on from what was saved. Everything must
// be the same.
func TestStepRestarted(t *testing.T) {
	eachVaried(t, func(t *testing.T, sc *scenario) {
		var s State
		for i, plain := range sc.decisions() {
			next, d := Step(sc.turns[i].policy, s, sc.turns[i].observation)
			same(t, "restarted", sc.turns[i], plain, d)
			b, err := json.Marshal(next)
			if err != nil {
				t.Fatal(err)
			}
			s = State{}
			if err := json.Unmarshal(b, &s); err != nil {
				t.Fatal(err)
			}
			if reflect.DeepEqual(forgetful(next), s) {
				continue
			}
			if diff := cmp.Diff(next, s, sameValues); diff != "" {
				t.Fatalf("after %q the state does not survive being saved:\n%s", sc.turns[i].text, diff)
			}
		}
	})
}

// forgetful returns a state without what a step remembers of its work.
func forgetful(s State) State {
	s.memos, s.joined, s.acting = nil, nil, acting{}
	return s
}

// level is what holds by a decision, without what it reports: events, ended attacks, and the
// suspicion, which is of a moment.
func level(d Decision) Decision {
	d.Events, d.Ended, d.Watch.Suspicion = nil, nil, nil
	return d
}

// timeless leaves out when attacks changed, and whether what ends is counted, which goes on for a while
// after the last turn in which an attack was open.
func timeless(d Decision) Decision {
	d.Watch.Endings = false
	d.Attacks = slices.Clone(d.Attacks)
	for i := range d.Attacks {
		d.Attacks[i].Changes = slices.Clone(d.Attacks[i].Changes)
		for j := range d.Attacks[i].Changes {
			d.Attacks[i].Changes[j].At = 0
		}
	}
	return d
}

// reported are events without their time, sorted.
func reported(events []Event) []string {
	var list []string
	for _, e := range events {
		e.At = 0
		list = append(list, fmt.Sprintf("%+v", e))
	}
	slices.Sort(list)
	return list
}

// same compares two decisions of one turn.
func same(t *testing.T, how string, turn turn, want, got Decision) {
	t.Helper()
	if reflect.DeepEqual(want, got) {
		return
	}
	if diff := cmp.Diff(want, got, sameValues); diff != "" {
		lines := strings.Split(diff, "\n")
		t.Fatalf("%s: after %q (-plain +varied):\n%s", how, turn.text, strings.Join(lines[:min(len(lines), 60)], "\n"))
	}
}
