package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ebbgate/control"
)

var errDeaf = errors.New("connection refused")

func TestReadyOnceAfterTheFirstTurn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		want := []string{"tick", "status", "watchdog", "ready"}
		if got := w.trace.only("tick", "status", "watchdog", "ready", "stopping"); !slices.Equal(got, want) {
			t.Errorf("calls %v, want %v", got, want)
		}
		w.pass(time.Minute)
		w.stop()
		if n := len(w.trace.times("ready")); n != 1 {
			t.Errorf("ready %d times", n)
		}
		if got := w.log.lines("INFO ready"); len(got) != 1 || !strings.HasSuffix(got[0], "services=2 table_owned=true") {
			t.Errorf("log %q", got)
		}
	})
}

func TestWatchdogOnceAtTheEndOfEachTurn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(10 * time.Second)
		w.stop()
		got := w.trace.only("tick", "status", "watchdog")
		if len(got) < 150 || len(got)%3 != 0 {
			t.Fatalf("%d calls", len(got))
		}
		for turn := range slices.Chunk(got, 3) {
			if !slices.Equal(turn, []string{"tick", "status", "watchdog"}) {
				t.Fatalf("a turn made the calls %v", turn)
			}
		}
	})
}

func TestStuckTurnStopsTheWatchdog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		w.pass(time.Second)
		stuck := make(chan struct{})
		w.watcher.set(func(f *fakeWatcher) { f.blocked = stuck })
		w.pass(time.Second)
		before := len(w.trace.times("watchdog"))
		w.pass(time.Hour)
		if n := len(w.trace.times("watchdog")); n != before {
			t.Errorf("%d pings in an hour in which the loop did not turn", n-before)
		}
		w.watcher.set(func(f *fakeWatcher) { f.blocked = nil })
		close(stuck)
		synctest.Wait()
		if n := len(w.trace.times("watchdog")); n == before {
			t.Error("no ping after the loop went on")
		}
		w.stop()
	})
}

func TestStuckCensusDoesNotStopTheWatchdog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.takes = time.Hour
		w.start()
		w.pass(time.Minute)
		if n := len(w.trace.times("watchdog")); n < 300 {
			t.Errorf("%d pings in a minute, want one for each tick", n)
		}
		w.stop()
	})
}

func TestStoppingComesFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.takes = time.Hour
		w.start()
		w.pass(time.Second)
		w.stop()
		got := w.trace.only("stopping", "census ends")
		if len(got) != 2 || !slices.Contains(got, "stopping") {
			t.Errorf("calls %v, want the manager told, and the census ended", got)
		}
	})
}

func TestManagerThatDoesNotListenIsOneFault(t *testing.T) {
	for _, c := range []struct {
		message string
		during  func(*world) // what makes the daemon send it
	}{
		{"status", func(*world) {}},
		{"watchdog", func(*world) {}},
		{"reloading", (*world).hup},
		{"ready", (*world).hup},
	} {
		t.Run(c.message, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.start()
				w.pass(time.Second)
				w.manager.refuse(c.message, errDeaf)
				c.during(w)
				w.pass(150 * time.Millisecond)
				if c.message == "status" || c.message == "watchdog" {
					// Every turn sends them; that the others go through must not end the fault.
					w.pass(5 * time.Second)
					if got := w.faults(); !slices.Equal(got, []string{"service manager: notify: connection refused"}) {
						t.Errorf("faults %q", got)
					}
					if s := w.publisher.latest().State; s != control.StateDegraded {
						t.Errorf("state %s", s)
					}
				}
				w.manager.refuse(c.message, nil)
				w.pass(time.Second)
				if got := w.faults(); len(got) != 0 {
					t.Errorf("faults once the manager listens: %q", got)
				}
				got := w.log.lines(`part="service manager"`)
				if len(got) != 2 || !strings.HasPrefix(got[0], "ERROR fault ") || !strings.HasPrefix(got[1], `INFO "fault is over" `) {
					t.Errorf("want one line as the fault came and one as it went:\n%s", strings.Join(got, "\n"))
				}
				w.stop()
			})
		})
	}
}

func TestManagerThatNeverListensEndsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, m := range []string{"ready", "reloading", "stopping", "status", "watchdog"} {
			w.manager.refuse(m, errDeaf)
		}
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.hup()
		w.pass(time.Second)
		if got := w.faults(); !slices.Equal(got, []string{"service manager: notify: connection refused"}) {
			t.Errorf("faults %q, want the one cause once", got)
		}
		if !w.rules.Have().Present {
			t.Error("no table although the kernel is well")
		}
		w.stop()
	})
}
