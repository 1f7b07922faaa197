package daemon

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ebbgate/control"
)

// answer is what an order came to, and when.
type answer struct {
	whole   any
	done    control.Exempted // where that is what it is
	refusal *control.Error
	at      time.Duration
}

// order gives an order and waits until the loop has dealt with it.
func (w *world) order(o *control.Order) answer {
	w.t.Helper()
	w.orders <- o
	synctest.Wait()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Millisecond)
	defer cancel()
	done, refusal := o.Wait(ctx)
	exempted, _ := done.(control.Exempted)
	return answer{done, exempted, refusal, w.clock.after(w.clock.now())}
}

func exempt(source, service string) *control.Order {
	return control.NewOrder(control.Exempting{Target: control.Target{Prefix: prefix(source), Service: service}, For: time.Hour, Reason: "our office"})
}

func unexempt(source, service string) *control.Order {
	return control.NewOrder(control.Unexempting{Target: control.Target{Prefix: prefix(source), Service: service}})
}

// inForce is the ruleset in the kernel.
func (w *world) inForce() (text string) {
	w.rules.set(func(r *fakeRules) { text = r.kernel.Ruleset.Format(w.clock.now()) })
	return text
}

func TestAnExemptedSourceIsFreedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		w.pass(1010 * time.Millisecond)
		if !strings.Contains(w.inForce(), "203.0.113.1 ") {
			t.Fatalf("the source is not limited:\n%s", w.inForce())
		}
		given := w.clock.after(w.clock.now())
		got := w.order(exempt("203.0.113.0/24", ""))
		if got.refusal != nil || got.at != given {
			t.Fatalf("answer %+v after %v, want it at once", got.refusal, got.at-given)
		}
		e := got.done.Exempt
		if e.Prefix != prefix("203.0.113.0/24") || e.Left != control.Duration(time.Hour) || e.Reason != "our office" || got.done.Replaced {
			t.Errorf("in force: %+v", got.done)
		}
		if text := w.inForce(); strings.Contains(text, "203.0.113.1 ") {
			t.Errorf("the kernel still knows the source when the order is acknowledged:\n%s", text)
		}
		s := w.publisher.latest()
		if len(s.Exempt) != 1 || s.Services[0].LimitsTotal != 0 {
			t.Errorf("status: exempt %+v, %d limits", s.Exempt, s.Services[0].LimitsTotal)
		}
		w.pass(time.Second)
		again := w.order(exempt("203.0.113.0/24", ""))
		if again.refusal != nil || !again.done.Replaced {
			t.Errorf("the same once more: %+v", again)
		}
		if lines := w.log.lines("exempt-added"); len(lines) != 2 || !strings.Contains(lines[0], "source=203.0.113.0/24") {
			t.Errorf("log %q", lines)
		}
	})
}

func TestAnEndedExemptionIsOneNoMore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		w.order(exempt("203.0.113.1", "web"))
		w.pass(time.Second)
		if n := w.publisher.latest().Services[0].LimitsTotal; n != 0 {
			t.Fatalf("%d limits of an exempt source", n)
		}
		if got := w.order(unexempt("203.0.113.1", "web")); got.refusal != nil || got.done.Exempt.Prefix != prefix("203.0.113.1") {
			t.Errorf("answer %+v", got)
		}
		w.pass(2 * time.Second)
		if n := w.publisher.latest().Services[0].LimitsTotal; n != 1 {
			t.Errorf("%d limits after the exemption ended, want 1", n)
		}
	})
}

func TestOrdersThatCannotBeCarriedOutAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		order *control.Order
		want  control.Kind
	}{
		{"no such service", exempt("203.0.113.1", "ftp"), control.KindNotFound},
		{"nothing to end", unexempt("203.0.113.1", ""), control.KindNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				c.order = control.NewOrder(c.order.Task) // its channel belongs to this bubble
				w.start()
				defer w.stop()
				got := w.order(c.order)
				if got.refusal == nil || got.refusal.Kind != c.want {
					t.Errorf("answer %+v, want a refusal of kind %s", got, c.want)
				}
				if len(w.daemon.seen.Orders) != 0 {
					t.Error("it became part of an observation")
				}
			})
		})
	}
}

// unknownTask is a task that the loop has never heard of.
type unknownTask struct{ control.Task }

func TestAnUnknownTaskIsRefusedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.pass(time.Second)
		before := w.clock.after(w.clock.now())
		got := w.order(control.NewOrder(unknownTask{}))
		if got.refusal == nil || got.refusal.Kind != control.KindInternal || !strings.Contains(got.refusal.Message, "unknownTask is: nothing was changed") {
			t.Errorf("answer %+v", got)
		}
		if got.at != before {
			t.Errorf("answered after %v, want at once", got.at-before)
		}
		if n := len(w.daemon.seen.Orders); n != 0 {
			t.Errorf("%d orders became part of an observation", n)
		}
		if got := w.order(exempt("203.0.113.1", "")); got.refusal != nil {
			t.Errorf("the next order: %+v", got.refusal)
		}
	})
}

func TestAWithdrawnOrderIsNotCarriedOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		o := exempt("203.0.113.1", "")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, refusal := o.Wait(ctx); refusal == nil || refusal.Kind != control.KindTimeout {
			t.Fatalf("refusal %+v", refusal)
		}
		w.orders <- o
		w.start()
		defer w.stop()
		w.pass(time.Second)
		if n := len(w.publisher.latest().Exempt); n != 0 {
			t.Errorf("%d exemptions", n)
		}
	})
}

func TestAnOrderTheKernelRefusesIsNotCalledDone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.rules.set(func(r *fakeRules) { r.refuse = errRefused })
		for range 2 { // the second while no transaction is tried
			got := w.order(exempt("203.0.113.1", ""))
			if got.refusal == nil || got.refusal.Kind != control.KindInternal || !strings.Contains(got.refusal.Message, errRefused.Error()) {
				t.Errorf("answer %+v, want the kernel's refusal", got)
			}
		}
		w.rules.set(func(r *fakeRules) { r.refuse = nil })
		w.pass(2 * time.Second)
		if text := w.inForce(); strings.Contains(text, "203.0.113.1 ") || len(w.publisher.latest().Exempt) != 1 {
			t.Errorf("once the kernel takes it, in force:\n%s", text)
		}
	})
}

func TestManyOrdersAreEachATurn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := &fakeRecorder{}
		w.recorder = r
		var orders []*control.Order
		for _, source := range []string{"203.0.113.9", "203.0.113.1", "2001:db8::/32"} {
			orders = append(orders, exempt(source, ""))
			w.orders <- orders[len(orders)-1]
		}
		w.orders <- exempt("203.0.113.1", "mail")
		w.start()
		w.stop()
		var seen []netip.Prefix
		for _, o := range r.seen {
			if len(o.Orders) > 1 {
				t.Errorf("%d orders in one turn", len(o.Orders))
			}
			for _, order := range o.Orders {
				seen = append(seen, order.Exemption.Prefix)
				if order.Exemption.Since != o.At || order.Exemption.Until != o.At.Add(time.Hour) {
					t.Errorf("order %+v in the turn of %d", order, o.At)
				}
			}
		}
		want := []netip.Prefix{prefix("203.0.113.9"), prefix("203.0.113.1"), prefix("2001:db8::/32"), prefix("203.0.113.1")}
		if !slices.Equal(seen, want) {
			t.Errorf("orders recorded: %v, want %v", seen, want)
		}
		told := w.watcher.exempt
		if last := told[len(told)-1]; len(told) != 3 || !slices.Equal(last, []netip.Prefix{want[1], want[0], want[2]}) {
			t.Errorf("the watcher was told %v: want it told of each change, the newest list sorted and without doubles", told)
		}
	})
}

func TestTheWatcherHearsOfExemptionsOnlyWhenTheyChange(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.pass(5 * time.Second)
		if n := len(w.watcher.exempt); n != 0 {
			t.Errorf("told %d times that nothing is exempt", n)
		}
		w.order(exempt("203.0.113.1", ""))
		w.pass(2 * time.Hour)
		want := [][]netip.Prefix{{prefix("203.0.113.1")}, nil}
		if got := w.watcher.exempt; len(got) != 2 || !slices.Equal(got[0], want[0]) || len(got[1]) != 0 {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}

func TestExemptionsSurviveAReload(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		w.order(exempt("203.0.113.1", "web"))
		w.write(strings.Replace(enforcing, "per_source = 10", "per_source = 8", 1))
		w.hup()
		w.pass(3 * time.Second)
		s := w.publisher.latest()
		if len(s.Exempt) != 1 || s.Services[0].LimitsTotal != 0 || s.Services[0].PerSource != 8 {
			t.Errorf("exempt %+v, %d limits, per_source %d", s.Exempt, s.Services[0].LimitsTotal, s.Services[0].PerSource)
		}
	})
}

func TestStuckLoopLetsTheOperatorGo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		stuck := make(chan struct{})
		w.start()
		defer w.stop()
		w.watcher.set(func(f *fakeWatcher) { f.blocked = stuck })
		w.pass(time.Second)
		o := exempt("203.0.113.1", "")
		w.orders <- o
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		_, refusal := o.Wait(ctx)
		if refusal == nil || refusal.Kind != control.KindTimeout || errors.Is(refusal, control.ErrForbidden) {
			t.Errorf("refusal %+v", refusal)
		}
		w.watcher.set(func(f *fakeWatcher) { f.blocked = nil })
		close(stuck)
		w.pass(time.Second)
		if n := len(w.publisher.latest().Exempt); n != 0 {
			t.Errorf("%d exemptions from an order that was withdrawn", n)
		}
	})
}
