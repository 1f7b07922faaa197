package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/enforcer"
)

var errRefused = errors.New("change table inet ebbgate: no buffer space available")

func TestRefusedTransactionIsTriedAgainAtGrowingIntervals(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rules.refuse = errRefused
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(30 * time.Second)
		want := []time.Duration{200, 400, 800, 1600, 3200, 5000, 5000, 5000}
		for i, least := range want {
			least *= time.Millisecond
			gap := w.rules.refusals[i+1].Sub(w.rules.refusals[i])
			if gap < least || gap > least+200*time.Millisecond {
				t.Errorf("try %d came %v after the one before, want %v or the turn after", i+2, gap, least)
			}
		}
		if got, want := w.faults(), []string{"table: " + errRefused.Error() + "; trying again in 5s"}; !slices.Equal(got, want) {
			t.Errorf("faults %q, want %q", got, want)
		}
		if s := w.publisher.latest(); s.State != control.StateDegraded || !s.Services[0].Attacks[0].FirstRule.IsZero() {
			t.Errorf("state %s, first rule %v, want degraded without one", s.State, s.Services[0].Attacks[0].FirstRule)
		}
		if r := w.publisher.shown()(); r.Text != "" || !strings.Contains(r.Would, "203.0.113.1") {
			t.Errorf("ruleset in force %q, and wanted:\n%s", r.Text, r.Would)
		}

		w.rules.set(func(r *fakeRules) { r.refuse = nil })
		w.pass(lastBackoff + 200*time.Millisecond)
		if got := w.faults(); len(got) != 0 || !w.rules.Have().Present {
			t.Errorf("after recovery: faults %q, table present %t", got, w.rules.Have().Present)
		}
		if got := w.log.lines("part=table"); len(got) != 2 {
			t.Errorf("want the fault logged as it came and as it went:\n%s", strings.Join(got, "\n"))
		}

		// The next refusal begins with the short wait again.
		w.rules.set(func(r *fakeRules) { r.refuse, r.refusals = errRefused, nil })
		w.pass(4 * time.Second)
		if gap := w.rules.refusals[1].Sub(w.rules.refusals[0]); gap > firstBackoff+200*time.Millisecond {
			t.Errorf("first wait after a recovery is %v", gap)
		}
		w.stop()
	})
}

func TestUnknownTableIsBuiltAnew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(time.Second)
		w.rules.set(func(r *fakeRules) { r.refuse = errRefused })
		w.watcher.hold("web", "203.0.113.2", 30)
		w.pass(300 * time.Millisecond)
		if have := w.rules.Have(); have.Known || !have.Present {
			t.Fatalf("the fake should not know what its table holds: %+v", have)
		}
		before := len(w.trace.times("close"))
		w.pass(100 * time.Millisecond)
		if n := len(w.trace.times("close")); n != before {
			t.Error("connections were closed while the rules were unknown")
		}
		w.rules.set(func(r *fakeRules) { r.refuse, r.sent = nil, nil })
		w.pass(2 * time.Second)
		sent := w.rules.transactions()
		if len(sent) == 0 || !strings.HasPrefix(sent[0].text, "delete table inet ebbgate\nadd table inet ebbgate\n") {
			t.Fatalf("want the table replaced as a whole, got %v", sent)
		}
		if text := w.rules.kernel.Ruleset.Format(w.clock.now()); !strings.Contains(text, "203.0.113.2") {
			t.Errorf("the new source is missing:\n%s", text)
		}
		w.stop()
	})
}

func TestTableOfAnEarlierRunIsRemovedAfterACensus(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rules.have = enforcer.Have{Present: true}
		w.rules.kernel.Present = true
		w.rules.counts = map[string]enforcer.Counts{"web": {Refused: 1000}}
		w.start()
		w.pass(time.Second)
		sent := w.rules.transactions()
		if len(sent) != 1 || sent[0].at != w.watcher.takes || sent[0].text != "delete table inet ebbgate\n" {
			t.Fatalf("want the old table deleted after the first census, got %v", sent)
		}
		w.pass(2 * time.Second)
		if n := w.publisher.latest().Services[0].RefusedPackets; n != 0 {
			t.Errorf("%d packets refused since the start, want none: they are the earlier run's", n)
		}
		w.stop()
	})
}

func TestLookThatFailsIsAFault(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rules.blind = errors.New("read ruleset generation: interrupted")
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(time.Second)
		if got := w.faults(); !slices.Equal(got, []string{"rules: read ruleset generation: interrupted"}) {
			t.Errorf("faults %q", got)
		}
		if !w.rules.Have().Present {
			t.Error("a look that fails must not keep limits from being installed")
		}
		w.rules.set(func(r *fakeRules) { r.blind = nil })
		w.pass(200 * time.Millisecond)
		if got := w.faults(); len(got) != 0 {
			t.Errorf("faults after a good look: %q", got)
		}
		w.stop()
	})
}
