package daemon

import (
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// other is a policy of one service in place of both.
const other = "[[service]]\nname = \"other\"\nports = [443]\n"

// loadFor gives the order to load the policy again, for so long.
func (w *world) loadFor(length time.Duration) *control.Reload {
	w.t.Helper()
	got := w.order(control.NewOrder(control.Reloading{For: length}))
	if got.refusal != nil {
		w.t.Fatal(got.refusal)
	}
	return got.whole.(*control.Reload)
}

func (w *world) services() string {
	var names []string
	for _, s := range w.publisher.latest().Services {
		names = append(names, s.Name+" "+s.Mode.String())
	}
	return strings.Join(names, ", ")
}

// TestATrialGoesBack to the policy, and to the modes by hand, of before.
func TestATrialGoesBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.order(mode(policy.Shadow, "web", 0))
		w.pass(time.Second)
		w.write(other)
		r := w.loadFor(time.Minute)
		if !r.InForce || r.Left != control.Duration(time.Minute) || r.Until.IsZero() || w.services() != "other shadow" {
			t.Fatalf("answer %+v, services %s", r, w.services())
		}
		if line := w.shown(); !strings.Contains(line, "ON TRIAL until") {
			t.Errorf("status line %q", line)
		}
		w.pass(59 * time.Second)
		if s := w.publisher.latest(); w.services() != "other shadow" || s.Reload.Left <= 0 || s.Reload.Left > control.Duration(2*time.Second) {
			t.Errorf("a second before: %s, %+v", w.services(), s.Reload)
		}
		w.pass(1100 * time.Millisecond)
		s := w.publisher.latest()
		if w.services() != "web shadow, mail shadow" || !s.Reload.TrialOver || s.Reload.InForce || !s.Reload.Until.IsZero() || len(s.Modes) != 1 {
			t.Errorf("after it: %s, %+v, %+v", w.services(), s.Reload, s.Modes)
		}
		if line := w.shown(); !strings.Contains(line, "its trial is over") {
			t.Errorf("status line %q", line)
		}
		if lines := w.log.lines("trial-ended"); len(lines) != 1 {
			t.Errorf("log %q", lines)
		}
		w.hup()
		if s := w.publisher.latest(); w.services() != "other shadow" || !s.Reload.InForce || s.Reload.TrialOver {
			t.Errorf("loaded for good: %s, %+v", w.services(), s.Reload)
		}
	})
}

func TestATrialEndsOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		then func(*testing.T, *world)
		want string // two minutes later
	}{
		"confirmed": {func(t *testing.T, w *world) {
			got := w.order(control.NewOrder(control.Confirming{}))
			if done, _ := got.whole.(control.Confirmed); got.refusal != nil || !done.Policy {
				t.Errorf("answer %+v, %v", got.whole, got.refusal)
			}
		}, "other shadow"},
		"loaded for good":        {func(_ *testing.T, w *world) { w.hup() }, "other shadow"},
		"a bad policy is no end": {func(_ *testing.T, w *world) { w.write("mode = 1"); w.hup() }, "web enforce, mail shadow"},
		"another trial goes back to the first": {func(_ *testing.T, w *world) {
			w.write(strings.Replace(other, "other", "third", 1))
			w.loadFor(time.Minute)
		}, "web enforce, mail shadow"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.start()
				defer w.stop()
				w.pass(time.Second)
				w.write(other)
				w.loadFor(time.Minute)
				w.pass(time.Second)
				c.then(t, w)
				w.pass(2 * time.Minute)
				if got := w.services(); got != c.want {
					t.Errorf("services %s, want %s", got, c.want)
				}
				if s := w.publisher.latest(); !s.Reload.Until.IsZero() {
					t.Errorf("still on trial: %+v", s.Reload)
				}
			})
		})
	}
}

// TestABadPolicyIsNotTried: nothing changes, and nothing will.
func TestABadPolicyIsNotTried(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.order(mode(policy.Shadow, "web", 0))
		w.write("mode = 1")
		w.pass(time.Second)
		if r := w.loadFor(time.Minute); r.InForce || !r.Until.IsZero() || len(r.Problems) == 0 {
			t.Errorf("answer %+v", r)
		}
		w.pass(2 * time.Minute)
		if s := w.publisher.latest(); w.services() != "web shadow, mail shadow" || s.Reload.TrialOver || len(w.log.lines("trial-ended")) != 0 {
			t.Errorf("%s, %+v", w.services(), s.Reload)
		}
	})
}

// TestAModeSetDuringATrialGoesOn when the policy goes back: the operator had his reason. A mode of another
// service from before the trial holds again.
func TestAModeSetDuringATrialGoesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.order(mode(policy.Enforce, "mail", 0))
		w.pass(time.Second)
		if r := w.loadFor(time.Minute); !r.InForce || w.services() != "web enforce, mail shadow" {
			t.Fatalf("answer %+v, services %s", r, w.services())
		}
		w.order(mode(policy.Shadow, "web", 0))
		w.pass(61 * time.Second)
		if s := w.publisher.latest(); w.services() != "web shadow, mail enforce" || !s.Reload.TrialOver || len(s.Modes) != 2 {
			t.Errorf("after it: %s, %+v, %+v", w.services(), s.Reload, s.Modes)
		}
	})
}

// TestATrialKeepsBlocksForLater: a policy on trial without a service ends its blocks, and they are back when that
// goes back, for the time they have left; but not one that the operator ended since.
func TestATrialKeepsBlocksForLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.order(block("203.0.113.7", "web", 10*time.Minute))
		w.order(block("203.0.113.8", "web", 10*time.Minute))
		w.order(block("203.0.113.9", "web", 80*time.Second))
		w.write(other)
		w.loadFor(time.Minute)
		if text := w.inForce(); strings.Contains(text, "203.0.113.") {
			t.Fatalf("on trial, and the kernel has blocks of a service that is gone:\n%s", text)
		}
		w.pass(30 * time.Second)
		w.write(strings.Replace(other, "other", "third", 1))
		w.loadFor(time.Minute)
		w.pass(30 * time.Second)
		w.order(control.NewOrder(control.Exempting{Target: control.Target{Prefix: prefix("203.0.113.8")}, For: time.Second}))
		w.pass(31 * time.Second)
		s := w.publisher.latest().Services[0]
		if s.Name != "web" || s.BlocksTotal != 1 || s.Blocks[0].Source != prefix("203.0.113.7") || !s.Blocks[0].ByHand ||
			s.Blocks[0].Left > control.Duration(8*time.Minute+30*time.Second) || s.Blocks[0].Left < control.Duration(8*time.Minute) {
			t.Errorf("blocks %+v", s.Blocks)
		}
		if text := w.inForce(); !strings.Contains(text, "203.0.113.7 ") {
			t.Errorf("the kernel does not have it:\n%s", text)
		}
		if lines := w.log.lines("source-blocked"); len(lines) != 4 || !strings.Contains(lines[3], "back for") {
			t.Errorf("log %q", lines)
		}
	})
}

// TestTheOldPolicyLoadedDuringATrialHasItsBlocks: the operator may go back by himself.
func TestTheOldPolicyLoadedDuringATrialHasItsBlocks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.order(block("203.0.113.7", "web", 10*time.Minute))
		w.write(other)
		w.loadFor(time.Minute)
		w.pass(time.Second)
		w.write(enforcing)
		w.hup()
		if s := w.publisher.latest().Services[0]; s.Name != "web" || s.BlocksTotal != 1 {
			t.Errorf("%s: blocks %+v", s.Name, s.Blocks)
		}
		w.pass(2 * time.Minute)
		if n := len(w.log.lines("source-blocked")); n != 2 {
			t.Errorf("blocked %d times, want once by hand and once back", n)
		}
	})
}
