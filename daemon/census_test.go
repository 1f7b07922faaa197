package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

func TestCensusStartsAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		if at := w.trace.times("census"); !slices.Equal(at, []time.Duration{0}) {
			t.Errorf("censuses at %v, want one at the start", at)
		}
		w.stop()
	})
}

func TestOneCensusAtATimeWhileTicksGoOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.takes = 3 * time.Second
		w.watcher.hold("web", "203.0.113.1", 25)
		w.suspicious()
		w.start()
		w.pass(2900 * time.Millisecond)
		if n := len(w.trace.times("tick")); n != 15 {
			t.Errorf("%d ticks in 2.9 s of a census, want 15", n)
		}
		w.pass(200 * time.Millisecond)
		if n := len(w.rules.transactions()); n != 1 {
			t.Errorf("%d transactions after the census, want 1", n)
		}
		w.pass(30 * time.Second)
		w.stop()
		if w.watcher.most != 1 {
			t.Errorf("%d censuses at once", w.watcher.most)
		}
	})
}

func TestCensusEntersOneTurnOnly(t *testing.T) {
	for _, c := range []struct {
		end  time.Duration
		want bool
	}{{firstAnswer, true}, {firstAnswer + 200*time.Millisecond, false}} {
		inWorld(t, func(t *testing.T, w *world) {
			w.start()
			w.pass(c.end)
			w.stop()
			if got := w.daemon.seen.Census.Taken; got != c.want {
				t.Errorf("the turn at %v saw a census: %t, want %t", c.end, got, c.want)
			}
			if s := w.publisher.latest().Census; s.Taken.IsZero() || !s.Complete {
				t.Errorf("the status at %v does not show it: %+v", c.end, s)
			}
		})
	}
}

func TestCensusRespectsTheBudget(t *testing.T) {
	for _, c := range []struct {
		name  string
		held  int
		share float64 // of one core that censuses may use
	}{
		{"suspicion that does not end", 1, 0.05},
		{"under attack", 25, 0.2},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.watcher.cpu = 400 * time.Millisecond
				w.watcher.hold("web", "203.0.113.1", c.held)
				w.suspicious()
				w.start()
				const span = 2 * time.Minute
				w.pass(span)
				w.stop()
				n := len(w.trace.times("census ends"))
				spent := time.Duration(n) * w.watcher.cpu
				// What was saved up, what is earned, and the last census.
				most := 500*time.Millisecond + time.Duration(c.share*float64(span)) + w.watcher.cpu
				if spent > most || spent < most*9/10 {
					t.Errorf("%d censuses cost %v in %v, want about %v", n, spent, span, most)
				}
			})
		})
	}
}

func TestCensusesThatCostNothingKeepTheirDistance(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.cpu, w.watcher.takes = 0, 0
		w.watcher.hold("web", "203.0.113.1", 25)
		w.suspicious()
		w.start()
		w.pass(5 * time.Second)
		w.stop()
		at := w.trace.times("census")
		if gap := spacing(at); gap != censusPause || len(at) != 101 {
			t.Errorf("%d censuses in 5 s, at least %v apart, want one every %v", len(at), gap, censusPause)
		}
	})
}

func TestRoutineCensusIsRare(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		w.pass(20 * time.Second)
		w.stop()
		if gap := spacing(w.trace.times("census")); gap < time.Second {
			t.Errorf("censuses %v apart with nothing the matter", gap)
		}
		if n := len(w.trace.times("census")); n < 10 {
			t.Errorf("%d censuses in 20 s, want more: a slow build-up looks like nothing", n)
		}
	})
}

func TestSuspicionIsNotForgottenWhileNoCensusMayStart(t *testing.T) {
	cookies := func(w *world) { w.watcher.set(func(f *fakeWatcher) { f.counters.CookiesSent++ }) }
	t.Run("so soon after the last", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.start()
			w.pass(firstAnswer + 10*time.Millisecond)
			cookies(w)
			w.hup() // for a turn that sees it
			w.pass(time.Second)
			w.stop()
			want := []time.Duration{0, firstAnswer + censusPause}
			if at := w.trace.times("census"); !slices.Equal(at, want) {
				t.Errorf("censuses at %v, want %v", at, want)
			}
		})
	})
	t.Run("while one is under way", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.watcher.takes = 500 * time.Millisecond
			w.start()
			w.pass(100 * time.Millisecond)
			cookies(w)
			w.pass(900 * time.Millisecond)
			w.stop()
			want := []time.Duration{0, 500*time.Millisecond + censusPause}
			if at := w.trace.times("census"); !slices.Equal(at, want) {
				t.Errorf("censuses at %v, want %v", at, want)
			}
		})
	})
}

func TestCensusThatFailsIsAFaultUntilOneDoesNot(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*fakeWatcher, bool)
		want string
	}{
		{"failed", func(f *fakeWatcher, on bool) {
			if f.broken = nil; on {
				f.broken = errors.New("take census: dump interrupted")
			}
		}, "census: take census: dump interrupted"},
		{"incomplete", func(f *fakeWatcher, on bool) { f.short = on }, "census: " + errIncomplete.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				c.set(w.watcher, true)
				w.watcher.hold("web", "203.0.113.1", 25)
				w.start()
				w.pass(5 * time.Second)
				if got := w.faults(); !slices.Equal(got, []string{c.want}) {
					t.Errorf("faults %q, want %q", got, c.want)
				}
				if flood := len(w.rules.transactions()) > 0; flood != (c.name == "incomplete") {
					t.Errorf("limits raised: %t; a count in an incomplete census is evidence, and without one there is none", flood)
				}
				w.watcher.set(func(f *fakeWatcher) { c.set(f, false) })
				w.pass(2 * time.Second)
				if got := w.faults(); len(got) != 0 {
					t.Errorf("faults after a good census: %q", got)
				}
				w.stop()
				got := append(w.log.lines("part=census"), "")
				if len(got) != 3 || !strings.HasPrefix(got[0], "ERROR fault ") || !strings.HasPrefix(got[1], `INFO "fault is over" `) {
					t.Errorf("want one line as it appears and one as it goes:\n%s", strings.Join(got, "\n"))
				}
			})
		})
	}
}

// suspicious fills an accept queue, which calls for a census in every turn.
func (w *world) suspicious() {
	w.watcher.set(func(f *fakeWatcher) {
		f.listeners = []policy.Listener{{Service: "web", Queue: 100, Backlog: 128}}
	})
}
