package daemon

import (
	"slices"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

func TestLineMovesWithTheNews(t *testing.T) {
	var l line
	for _, tt := range []struct {
		at         time.Duration
		text, news string
		want       string
	}{
		{0, "watching, 7 connections", "peace", "watching, 7 connections"},
		{time.Second, "watching, 1,200 connections", "peace", "watching, 7 connections"},
		{2 * time.Second, "ATTACK on web1, 8 limited", "web1", "ATTACK on web1, 8 limited"},
		{3 * time.Second, "ATTACK on web1, 9 limited", "web1", "ATTACK on web1, 8 limited"},
		{4 * time.Second, "ATTACK on web2, 9 limited", "web2", "ATTACK on web2, 9 limited"},
		{4*time.Second + lineEvery, "ATTACK on web2, 1,000 limited", "web2", "ATTACK on web2, 1,000 limited"},
		{5*time.Second + lineEvery, "ATTACK on web2, 2,000 limited", "web2", "ATTACK on web2, 1,000 limited"},
	} {
		if got := l.show(tt.text, tt.news, policy.Instant(tt.at)); got != tt.want {
			t.Errorf("at %v: %q, want %q", tt.at, got, tt.want)
		}
	}
	l.force = true
	for range 2 {
		if got := l.show("ATTACK on web2, 3,000 limited", "web2", policy.Instant(16*time.Second)); got != "ATTACK on web2, 3,000 limited" || l.force {
			t.Errorf("after a reload: %q", got)
		}
	}
}

// shown returns the status line as the service manager has it.
func (w *world) shown() string {
	w.manager.mu.Lock()
	defer w.manager.mu.Unlock()
	return w.manager.line
}

func TestStatusLineOfTheLoop(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		if got := w.shown(); got != "watching 2 services, no attack" {
			t.Errorf("at first: %q", got)
		}
		w.pass(time.Second)
		if got := w.shown(); got != "watching 2 services, 0 connections, no attack" {
			t.Errorf("in peace: %q", got)
		}
		w.watcher.hold("web", "203.0.113.1", 25)
		w.watcher.hold("web", "203.0.113.2", 25)
		w.watcher.hold("mail", "203.0.113.2", 25)
		w.pass(lineEvery)
		since := w.publisher.latest().Services[0].Attacks[0].Since.Format("15:04:05")
		if got, want := w.shown(), "ATTACK on web: connection-flood since "+since+" UTC, 2 sources limited; "+
			"ATTACK on mail: connection-flood since "+since+" UTC, 1 source would be limited (shadow mode)"; got != want {
			t.Errorf("under attack: %q, want %q", got, want)
		}
		w.watcher.set(func(f *fakeWatcher) { f.short = true })
		w.pass(time.Second)
		if got, want := w.shown(), "DEGRADED: census: "+errIncomplete.Error()+"; ATTACK on web: "; len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("with a fault: %q", got)
		}
		w.stop()
	})
}

// TestFiguresDoNotWakeTheManager has the number of connections change in each turn.
func TestFiguresDoNotWakeTheManager(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		var shown []string
		for i := range 300 {
			w.watcher.hold("web", "192.0.2.1", 10*i)
			w.pass(100 * time.Millisecond)
			if text := w.shown(); len(shown) == 0 || shown[len(shown)-1] != text {
				shown = append(shown, text)
			}
		}
		w.stop()
		// At the beginning, with the first census, and every lineEvery.
		if len(shown) < 3 || len(shown) > 6 {
			t.Errorf("%d lines in 30 s: %q", len(shown), shown)
		}
		if n := len(w.trace.times("status")); n < 100 {
			t.Errorf("the line was given %d times, want it given in each turn", n)
		}
	})
}

func TestReloadShowsItselfBeforeItEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		w.pass(time.Second)
		for _, c := range []struct{ text, want string }{
			{"mode = 1\n[[service]]\n", "the policy on disk is NOT in force, it has 3 problems (ebbgate check " + w.path + "); watching 2 services, 0 connections, no attack"},
			{"mode = 1\n", "the policy on disk is NOT in force, it has 2 problems (ebbgate check " + w.path + "); watching 2 services, 0 connections, no attack"},
			{"[[service]]\nname = \"web\"\nports = [80]\n", "watching 1 service, 0 connections, no attack"},
		} {
			w.write(c.text)
			before := len(w.trace.only("reloading", "status", "ready"))
			got := w.order(control.NewOrder(control.Reloading{}))
			if w.shown() != c.want || got.refusal != nil {
				t.Errorf("shown %q, want %q (%v)", w.shown(), c.want, got.refusal)
			}
			if calls := w.trace.only("reloading", "status", "ready")[before:]; len(calls) < 3 || !slices.Equal(calls[:3], []string{"reloading", "status", "ready"}) {
				t.Errorf("told the service manager %v", calls)
			}
		}
		w.stop()
	})
}
