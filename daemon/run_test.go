package daemon

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ebbgate/enforcer"
)

// That no goroutine is left is proven by synctest in every test: a bubble in which one still waits
// fails.

func TestRunEndsWithNilWhenCancelled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		w.pass(10 * time.Second)
		w.stop()
		ticks := len(w.trace.times("tick"))
		w.pass(10 * time.Second)
		if n := len(w.trace.times("tick")); n != ticks {
			t.Errorf("%d ticks after Run returned", n-ticks)
		}
		if n := len(w.trace.times("stopping")); n != 1 {
			t.Errorf("stopping %d times", n)
		}
	})
}

func TestRunWithACancelledContextEndsAfterOneTurn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w.watcher.takes = time.Hour
		if err := w.make().Run(ctx); err != nil {
			t.Error(err)
		}
		if at := w.clock.after(w.clock.now()); at != 0 {
			t.Errorf("it took %v", at)
		}
	})
}

func TestRunWaitsForTheCensus(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.takes, w.watcher.lingers = time.Hour, 300*time.Millisecond
		w.start()
		w.pass(time.Second)
		w.stop()
		if at := w.clock.after(w.clock.now()); at != 1300*time.Millisecond {
			t.Errorf("Run returned at %v, want 1.3s, when the census ended", at)
		}
	})
}

func TestRunWaitsForClosingsAndTellsOfThem(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.closer.takes = 2 * time.Second
		w.closer.closed = enforcer.Closed{Counts: map[string]int{"web": 15}}
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(500 * time.Millisecond)
		if len(w.trace.times("close")) != 1 {
			t.Fatal("no run of closings is under way")
		}
		w.stop()
		if at := w.trace.times("close ends"); len(at) != 1 {
			t.Error("Run returned while connections were being closed")
		}
		if got := w.log.lines("closed excess"); len(got) != 1 || !strings.HasSuffix(got[0], "service=web count=15") {
			t.Errorf("what was closed last is not in the log: %q", got)
		}
	})
}

func TestRunIsIdleBetweenTurns(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write("[observe]\ntick = \"1s\"\n[[service]]\nname = \"web\"\nports = [80]\n")
		w.start()
		w.pass(30*time.Second + 500*time.Millisecond)
		if n := len(w.trace.times("tick")); n > 30+len(w.trace.times("census ends"))+1 {
			t.Errorf("%d turns in 30 s at a tick of 1 s and %d censuses", n, len(w.trace.times("census ends")))
		}
		w.stop()
	})
}

func TestRunWakesWhenALeaseEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(strings.Replace(enforcing, "[exempt]", "[observe]\ntick = \"1s\"\n[exempt]", 1))
		w.watcher.hold("web", "203.0.113.1", 10)
		w.start()
		w.pass(firstAnswer)
		// No census brings fresh evidence any more, so the lease of the first ends after 6 s.
		w.watcher.set(func(f *fakeWatcher) { f.takes = time.Hour })
		w.pass(6*time.Second - firstAnswer)
		if at := w.trace.times("tick"); at[len(at)-1] != 6*time.Second {
			t.Errorf("the last turn was at %v, want one when the lease ends at 6s", at[len(at)-1])
		}
		if n := len(w.publisher.latest().Services[0].Limits); n != 0 {
			t.Errorf("%d limits shown after their lease", n)
		}
		w.stop()
	})
}

func TestReloadChannelThatIsNilIsNeverAsked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := w.make()
		d.Reload = nil
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
