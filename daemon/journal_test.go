package daemon

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

func TestEventsInTheLog(t *testing.T) {
	evidence := policy.Reason{Rule: "connections.per_source", Measured: 250, Threshold: 100}
	for _, c := range []struct {
		name  string
		event policy.Event
		want  string
	}{
		{"attack", policy.Event{Kind: policy.AttackBegan, Service: "web", Attack: 7, Mode: policy.Enforce, Count: 3, Reason: evidence},
			"WARN attack-began event=attack-began service=web attack=7 mode=enforce count=3 rule=connections.per_source measured=250 threshold=100"},
		{"one limit", policy.Event{Kind: policy.LimitRaised, Service: "web", Attack: 7, Mode: policy.Enforce, Count: 1, Source: prefix("203.0.113.1"), Reason: evidence},
			"INFO limit-raised event=limit-raised service=web attack=7 mode=enforce source=203.0.113.1/32 rule=connections.per_source measured=250 threshold=100"},
		{"several limits", policy.Event{Kind: policy.LimitRaised, Service: "web", Attack: 7, Count: 480, Reason: evidence},
			"INFO limit-raised event=limit-raised service=web attack=7 mode=shadow count=480 rule=connections.per_source measured=250 threshold=100"},
		{"no more", policy.Event{Kind: policy.LimitDropped, Service: "web", Attack: 7, Count: 1, Source: prefix("2001:db8::/64"), Why: "below half of its limit for 1m0s"},
			`INFO limit-dropped event=limit-dropped service=web attack=7 mode=shadow source=2001:db8::/64 why="below half of its limit for 1m0s"`},
		{"too many", policy.Event{Kind: policy.LimitsFull, Service: "web", Attack: 7, Count: 9, Why: "observe.max_sources is 1000"},
			`WARN limits-full event=limits-full service=web attack=7 mode=shadow count=9 why="observe.max_sources is 1000"`},
		{"end", policy.Event{Kind: policy.AttackEnded, Service: "web", Attack: 7, Count: 1, Why: "every source stayed quiet"},
			`INFO attack-ended event=attack-ended service=web attack=7 mode=shadow why="every source stayed quiet"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &logLines{}
			d := &Daemon{Config: Config{Log: slog.New(l.handler())}}
			d.log([]policy.Event{c.event})
			if got := l.lines(""); !slices.Equal(got, []string{c.want}) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

func TestLogHasTransitionsOnly(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(20 * time.Second)
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(20 * time.Second)
		w.stop()
		var got []string
		for _, line := range w.log.lines("") {
			got = append(got, strings.Join(strings.Fields(line)[:2], " "))
		}
		want := []string{"INFO ready", "WARN attack-began", "INFO limit-raised", "INFO limit-dropped", "INFO attack-ended"}
		if !slices.Equal(got, want) {
			t.Errorf("log of a whole attack:\n%s", strings.Join(w.log.lines(""), "\n"))
		}
	})
}

func TestFloodOfSourcesIsNoFloodOfLines(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 200 {
			w.watcher.hold("web", fmt.Sprintf("203.0.113.%d", i), 25)
		}
		w.start()
		w.pass(5 * time.Second)
		w.stop()
		if got := w.log.lines("limit-raised"); len(got) != 20 || !strings.Contains(got[19], " count=181 ") {
			t.Errorf("%d lines for 200 sources, the last %q", len(got), got[len(got)-1])
		}
	})
}
