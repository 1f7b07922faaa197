package daemon

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ebbgate/policy"
)

// faultList is a list of faults with its log.
func faultList() (*faults, *logLines) {
	l := &logLines{}
	d := &Daemon{Config: Config{Log: slog.New(l.handler()), Wall: time.Now}}
	return &faults{happened: d.happened, wall: time.Now}, l
}

// parts returns what is at fault, in the order of the list.
func (f *faults) parts() string {
	var names []string
	for _, x := range f.list {
		names = append(names, x.Part)
	}
	return strings.Join(names, ",")
}

func TestFaultIsLoggedAsItComesAndAsItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, l := faultList()
		f.set("table", nil)
		for i := range 5 {
			f.set("table", errors.New("refused "+strings.Repeat("again ", i)))
			time.Sleep(time.Second) // of synctest's time
		}
		since := f.list[0].Since
		if got := time.Since(since.Time); got != 5*time.Second {
			t.Errorf("the fault lasts %v, want 5s since it came", got)
		}
		if got := f.list[0].Text; got != "refused again again again again " {
			t.Errorf("text %q, want the newest", got)
		}
		f.set("table", nil)
		f.set("table", nil)
		want := []string{`ERROR fault event=degraded part=table error="refused "`, `INFO "fault is over" event=recovered part=table why="after 5s" lasted=5s`}
		if got := l.lines(""); !slices.Equal(got, want) {
			t.Errorf("log:\n%s", strings.Join(got, "\n"))
		}
		if len(f.list) != 0 {
			t.Errorf("faults left: %v", f.list)
		}
	})
}

func TestFaultsAreSortedByPartAndOneForEach(t *testing.T) {
	f, _ := faultList()
	for _, part := range []string{"table", "census", "rules", "census", "closing"} {
		f.mark(part, "broken")
	}
	if got := f.parts(); got != "census,closing,rules,table" {
		t.Errorf("parts %s", got)
	}
	f.clear("closing")
	if got := f.parts(); got != "census,rules,table" {
		t.Errorf("parts %s", got)
	}
}

func TestFaultsOfAnObservation(t *testing.T) {
	f, l := faultList()
	f.mark("table", "refused")
	f.observed([]policy.Fault{{Part: "counters", Text: "no /proc"}, {Part: "listeners", Text: "interrupted"}})
	if got := f.parts(); got != "observe counters,observe listeners,table" {
		t.Errorf("parts %s", got)
	}
	f.observed([]policy.Fault{{Part: "listeners", Text: "interrupted"}})
	if got := f.parts(); got != "observe listeners,table" {
		t.Errorf("parts %s", got)
	}
	f.observed(nil)
	if got := f.parts(); got != "table" {
		t.Errorf("parts %s: an observation says nothing of other parts", got)
	}
	if n := len(l.lines("")); n != 5 {
		t.Errorf("%d lines for three faults and two ends:\n%s", n, strings.Join(l.lines(""), "\n"))
	}
}

func TestFaultOfATickIsShownWhileItLasts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.faults = []policy.Fault{{Part: "counters", Text: "read /proc/net/netstat: permission denied"}}
		w.watcher.counters = policy.Counters{SynCookies: -1}
		w.start()
		if got := w.faults(); !slices.Equal(got, []string{"observe counters: read /proc/net/netstat: permission denied"}) {
			t.Errorf("faults %q", got)
		}
		w.watcher.set(func(f *fakeWatcher) { f.faults = nil })
		w.pass(200 * time.Millisecond)
		if got := w.faults(); len(got) != 0 {
			t.Errorf("faults %q", got)
		}
		w.stop()
	})
}

func TestClosingsThatFailAreAFault(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.closer.err = errors.New("list connections: interrupted")
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(time.Second)
		if got := w.faults(); !slices.Equal(got, []string{"closing: list connections: interrupted"}) {
			t.Errorf("faults %q", got)
		}
		w.closer.mu.Lock()
		w.closer.err = nil
		w.closer.mu.Unlock()
		w.pass(time.Second)
		if got := w.faults(); len(got) != 0 {
			t.Errorf("faults %q", got)
		}
		w.stop()
	})
}

func TestASocketNobodyFindsIsAFault(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.publisher.hide(errors.New("somebody's file is in its place"))
		w.start()
		defer w.stop()
		if got := w.faults(); !slices.Equal(got, []string{"control socket: somebody's file is in its place"}) {
			t.Errorf("faults %q", got)
		}
		w.publisher.hide(nil)
		w.pass(200 * time.Millisecond)
		if got := w.faults(); len(got) != 0 {
			t.Errorf("faults %q", got)
		}
	})
}
