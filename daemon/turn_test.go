package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/policy"
)

// The first census of every test begins at 0 and ends after 20 ms.
const firstAnswer = 20 * time.Millisecond

func TestFloodIsAnsweredInOneTransactionAndThenClosed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.closer.takes = time.Second
		w.watcher.hold("web", "203.0.113.1", 25)
		w.watcher.hold("web", "203.0.113.2", 6)
		w.watcher.hold("web", "192.0.2.9", 300)
		w.start()
		if n := len(w.rules.transactions()); n != 0 {
			t.Fatalf("%d transactions before anything was counted", n)
		}
		w.pass(firstAnswer)
		defer w.stop()

		sent := w.rules.transactions()
		if len(sent) != 1 || sent[0].at != firstAnswer {
			t.Fatalf("want one transaction at %v, got %v", firstAnswer, sent)
		}
		for _, want := range []string{
			"add table inet ebbgate\n",
			"add element inet ebbgate web_refuse4 { 203.0.113.1 timeout 5s980ms }\n",
			"add element inet ebbgate web_watch4 { 203.0.113.1 timeout 5s980ms, 203.0.113.2 timeout 5s980ms }\n",
		} {
			if !strings.Contains(sent[0].text, want) {
				t.Errorf("the transaction lacks %q:\n%s", want, sent[0].text)
			}
		}
		if strings.Contains(sent[0].text, "192.0.2.9") {
			t.Errorf("an exempt address is in the transaction:\n%s", sent[0].text)
		}
		got := w.trace.only("tick", "apply", "close")
		want := []string{"tick", "tick", "apply", "close"}
		if !slices.Equal(got, want) {
			t.Errorf("order of calls: %v, want %v", got, want)
		}
	})
}

func TestNothingIsSentWhileNothingChanges(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 10)
		w.start()
		w.pass(1900 * time.Millisecond)
		if n := len(w.rules.transactions()); n != 1 {
			t.Errorf("%d transactions in the first third of a lease, want 1", n)
		}
		if n := len(w.trace.times("census")); n < 5 {
			t.Errorf("%d censuses, want several: fresh evidence must not mean traffic to the kernel", n)
		}
		w.pass(time.Second)
		sent := w.rules.transactions()
		if len(sent) != 2 {
			t.Fatalf("%d transactions after a third of the lease, want the first and one renewal", len(sent))
		}
		for line := range strings.Lines(sent[1].text) {
			if !strings.HasPrefix(line, "delete element ") && !strings.HasPrefix(line, "add element ") {
				t.Errorf("a renewal does more than renew: %s", line)
			}
		}
		w.stop()
		if n := len(w.trace.times("close")); n != 0 {
			t.Errorf("%d runs of closings for a source at its limit, not above", n)
		}
	})
}

func TestPeaceSendsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 9)
		w.start()
		w.pass(time.Minute)
		w.stop()
		if got := w.trace.only("apply", "refused", "close"); len(got) != 0 {
			t.Errorf("calls in peace: %v", got)
		}
		if w.rules.Have().Present {
			t.Error("there is a table in peace")
		}
	})
}

func TestTableGoesAfterTheQuietTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(3 * time.Second)
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(7900 * time.Millisecond)
		if !w.rules.Have().Present {
			t.Fatal("the table went before the quiet time was over")
		}
		before := len(w.rules.transactions())
		w.pass(400 * time.Millisecond)
		sent := w.rules.transactions()[before:]
		if len(sent) != 1 || sent[0].text != "delete table inet ebbgate\n" {
			t.Fatalf("want the table to be deleted after the quiet time, got %v", sent)
		}
		w.pass(time.Minute)
		if n := len(w.rules.transactions()); n != before+1 {
			t.Errorf("%d transactions in the peace after", n-before-1)
		}
		if s := w.publisher.latest(); s.State != control.StatePeace || s.Table.Present {
			t.Errorf("state %s, table present %t, want peace without one", s.State, s.Table.Present)
		}
		w.stop()
	})
}

func TestClosingRunsOncePerCensusAndOneAtATime(t *testing.T) {
	for _, takes := range []time.Duration{0, 10 * time.Millisecond, 700 * time.Millisecond} {
		t.Run(takes.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.closer.takes = takes
				w.watcher.hold("web", "203.0.113.1", 25)
				w.start()
				w.pass(5 * time.Second)
				w.stop()
				evidence := policy.Instant(-1)
				for _, asked := range w.closer.asked {
					limits := asked.Limits
					if limits[0].Counted <= evidence {
						t.Fatalf("two runs for the evidence of %v", w.clock.after(evidence))
					}
					evidence = limits[0].Counted
				}
				if len(w.closer.asked) < 5 {
					t.Errorf("%d runs in 5 s, want one for each census that still finds excess", len(w.closer.asked))
				}
				open := false
				for _, c := range w.trace.only("close", "close ends") {
					if open == (c == "close") {
						t.Fatal("two runs at once")
					}
					open = c == "close"
				}
			})
		})
	}
}

func TestNothingIsClosedUnlessTheTransactionWentThrough(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rules.refuse = errRefused
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(3 * time.Second)
		if got := w.trace.only("close", "apply"); len(got) != 0 {
			t.Fatalf("while the kernel refused: %v", got)
		}
		w.rules.set(func(r *fakeRules) { r.refuse = nil })
		w.pass(5 * time.Second)
		w.stop()
		got := w.trace.only("apply", "close")
		if len(got) < 2 || got[0] != "apply" || got[1] != "close" {
			t.Errorf("after recovery: %v, want the transaction, then the closing", got)
		}
	})
}

func TestNothingIsClosedWithoutATable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(time.Second)
		w.rules.set(func(r *fakeRules) { r.refuse = errRefused })
		w.pass(5 * time.Second) // a renewal is refused, and again, and the next try is far
		w.rules.lose()
		w.pass(200 * time.Millisecond)
		if have := w.rules.Have(); !have.Known || have.Present {
			t.Fatalf("want a table that is known to be lost, have %+v", have)
		}
		before := len(w.trace.times("close"))
		w.pass(400 * time.Millisecond)
		if n := len(w.trace.times("close")); n != before {
			t.Errorf("%d runs of closings with no rule to keep the closed from coming back", n-before)
		}
		w.stop()
	})
}

func TestWhatMustNotBeClosedIsNot(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"shadow mode": func(s string) string { return strings.Replace(s, `"enforce"`, `"shadow"`, 1) },
		"close_excess false": func(s string) string {
			return strings.Replace(s, "per_source = 10\n", "per_source = 10\nclose_excess = false\n", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(change(enforcing))
				w.watcher.hold("web", "203.0.113.1", 25)
				w.start()
				w.pass(3 * time.Second)
				w.stop()
				if got := w.trace.only("apply", "close"); len(got) == 0 || slices.Contains(got, "close") {
					t.Errorf("calls %v, want transactions and no closing", got)
				}
			})
		})
	}
}

func TestClosedConnectionsAreCountedAndLogged(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.closer.closed = enforcer.Closed{Counts: map[string]int{"web": 15, "mail": 2}, Left: 7}
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(30 * time.Millisecond)
		if s := w.publisher.latest(); s.Services[0].ClosedConnections != 15 || s.Services[1].ClosedConnections != 2 {
			t.Errorf("closed %d and %d, want 15 and 2", s.Services[0].ClosedConnections, s.Services[1].ClosedConnections)
		}
		want := []string{
			`INFO "closed excess connections" event=excess-closed service=mail count=2`,
			`INFO "closed excess connections" event=excess-closed service=web count=15`,
			`INFO "connections left to close" count=7`,
		}
		if got := append(w.log.lines("closed excess"), w.log.lines("left to close")...); !slices.Equal(got, want) {
			t.Errorf("log:\n%s", strings.Join(got, "\n"))
		}
		w.stop()
	})
}

// TestRulesetsAreComparedOnlyWhenSomethingIsAsked: turns that ask for nothing new cost no comparison,
// but what others did to the table, and what is due, is never overlooked.
func TestRulesetsAreComparedOnlyWhenSomethingIsAsked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 10)
		w.start()
		w.pass(1500 * time.Millisecond)
		compared := w.rules.compared()
		w.pass(2 * time.Second)
		turns := int(2 * time.Second / (200 * time.Millisecond))
		if n := w.rules.compared() - compared; n < 1 || n > turns/2 {
			t.Errorf("compared %d times in %d turns and as many censuses, want about every sixth of a lease", n, turns)
		}
		w.watcher.hold("web", "203.0.113.2", 10)
		before := len(w.rules.transactions())
		w.pass(400 * time.Millisecond)
		if sent := w.rules.transactions()[before:]; len(sent) != 1 || !strings.Contains(sent[0].text, "203.0.113.2") {
			t.Errorf("a new source brought %v, want it in one transaction", sent)
		}
		w.stop()
	})
}
