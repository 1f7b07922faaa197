package daemon

import (
	"bytes"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
	"ebbgate/systemd"
)

// names are the kinds of a stream's events, in order.
func names(s *control.Stream) (list []string) {
	for i := range s.Events {
		list = append(list, string(s.Events[i].Event))
	}
	return list
}

func TestStreamKeepsTheNewest(t *testing.T) {
	wall := time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)
	began := uint64(wall.UnixMicro())
	s := newStream(wall)
	if got := s.snapshot(); got.Since != began || len(got.Events) != 0 {
		t.Errorf("at first: since %d, %d events", got.Since, len(got.Events))
	}
	const many = 10*control.MaxEvents + 7
	var early *control.Stream
	for i := range many {
		s.add(control.Event{Event: control.Degraded, Part: strconv.Itoa(i)})
		if i == 41 {
			early = s.snapshot()
		}
	}
	got := s.snapshot()
	if len(got.Events) != control.MaxEvents || got.Since != began+many-control.MaxEvents || cap(s.kept) != 2*control.MaxEvents {
		t.Errorf("since %d, %d events, room for %d", got.Since-began, len(got.Events), cap(s.kept))
	}
	for _, snapshot := range []*control.Stream{early, got} {
		for i, e := range snapshot.Events {
			if want := snapshot.Since + 1 + uint64(i); e.ID != want || e.Part != strconv.FormatUint(want-began-1, 10) {
				t.Fatalf("event %d of what was published is %d %q, want %d", i, e.ID-began, e.Part, want-began)
			}
		}
	}
	if len(early.Events) != 42 {
		t.Errorf("%d events in what was published early", len(early.Events))
	}
}

// TestIDsGoOn: a later run begins above everything an earlier one gave, a thousand events each turn included.
func TestIDsGoOn(t *testing.T) {
	wall := time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)
	s := newStream(wall)
	for range 1000 {
		s.add(control.Event{})
	}
	if next := newStream(wall.Add(100 * time.Millisecond)); next.last <= s.last {
		t.Errorf("the next run begins at %d, below %d", next.last, s.last)
	}
	if old := newStream(time.Unix(-5, 0)); old.last == 0 {
		t.Error("with a clock before 1970 the first ID asks for everything")
	}
}

func TestStreamOfALife(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(20 * time.Second)
		w.write("nonsense")
		w.hup()
		w.write(enforcing)
		w.hup()
		w.manager.refuse("watchdog", io.ErrClosedPipe)
		w.pass(time.Second)
		w.manager.refuse("watchdog", nil)
		w.pass(time.Second)
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(20 * time.Second)
		w.stop()
		got := w.publisher.stream()
		want := []string{"started", "ready", "attack-began", "limit-raised", "policy-refused", "policy-loaded", "degraded", "recovered",
			"limit-dropped", "attack-ended", "stopping"}
		if !slices.Equal(names(got), want) {
			t.Errorf("events %q\nwant   %q", names(got), want)
		}
		checkStream(t, w, got)
		if last := len(w.publisher.streams); last > len(got.Events) {
			t.Errorf("%d events were published %d times", len(got.Events), last)
		}
	})
}

// checkStream holds the events to what is promised of all, and the log to the same.
func checkStream(t *testing.T, w *world, s *control.Stream) {
	t.Helper()
	last := s.Since
	for _, e := range s.Events {
		if e.ID != last+1 || e.At.IsZero() || e.Count < 1 {
			t.Errorf("event %+v follows %d", e, last)
		}
		last = e.ID
		if got := w.log.lines("event=" + string(e.Event)); len(got) == 0 {
			t.Errorf("%s is not in the log", e.Event)
		}
		if e.Event == policy.LimitRaised && (e.Service != "web" || e.Attack == "" || e.Source != prefix("203.0.113.1") || e.Measured != 25 || e.Threshold != 10) {
			t.Errorf("a limit without what it rests on: %+v", e)
		}
	}
	if lines := w.log.lines("event="); len(lines) != len(s.Events) {
		t.Errorf("%d lines of events in the log, %d in the stream:\n%s", len(lines), len(s.Events), strings.Join(lines, "\n"))
	}
}

func TestNothingIsPublishedWhenNothingHappened(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		before := len(w.publisher.streams)
		w.pass(time.Minute)
		if after := len(w.publisher.streams); after != before {
			t.Errorf("%d times", after-before)
		}
		w.stop()
	})
}

// TestFloodOfTransitionsIsNoFloodOfLines has every turn of ten minutes report as many transitions as Step can
// of two services, and a fault come and go with each: the log is bounded, the stream has the newest.
func TestFloodOfTransitionsIsNoFloodOfLines(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "")
	inWorld(t, func(t *testing.T, w *world) {
		var b bytes.Buffer
		handler, flush := systemd.LogHandler(&b, slog.LevelInfo)
		turns := 0
		w.step = func(_ *policy.Policy, _ policy.State, o policy.Observation) (policy.State, policy.Decision) {
			turns++
			d := policy.Decision{At: o.At}
			for i := range 84 {
				d.Events = append(d.Events, policy.Event{Kind: policy.LimitRaised, At: o.At, Service: "web", Count: 1, Source: prefix("203.0.113." + strconv.Itoa(i))})
			}
			w.manager.refuse("watchdog", []error{nil, io.ErrClosedPipe}[turns%2])
			return policy.State{At: o.At}, d
		}
		d := w.make()
		d.Log = slog.New(handler)
		w.run(d)
		const lasts = 10 * time.Minute
		w.pass(lasts)
		w.stop()
		flush()
		lines, events := strings.Count(b.String(), "\n"), d.stream.last-newStream(d.started).last
		// 200 at once and 10 a second, of each of two sorts, and a report each ten seconds.
		most := 2*(200+10*int(lasts/time.Second)) + int(lasts/(10*time.Second)) + 2
		if lines > most || events < 100*uint64(most)/10 {
			t.Errorf("%d lines for %d transitions in %d turns, want %d at most", lines, events, turns, most)
		}
		if got := w.publisher.stream(); len(got.Events) != control.MaxEvents {
			t.Errorf("%d events are kept", len(got.Events))
		}
		t.Logf("%d turns, %d transitions, %d lines", turns, events, lines)
	})
}
