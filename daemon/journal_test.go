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
		{"kind", policy.Event{Kind: policy.AttackBegan, Service: "web", Attack: 8, Cause: policy.SlowApplication, Mode: policy.Enforce, Count: 1, Why: "raise the backlog"},
			`WARN attack-began event=attack-began service=web attack=8 kind=slow-application mode=enforce why="raise the backlog"`},
		{"block", policy.Event{Kind: policy.SourceBlocked, Service: "web", Attack: 7, Cause: policy.Churn, Mode: policy.Enforce, Count: 1, Source: prefix("203.0.113.0/24"), Reason: evidence, Why: "for 10m0s"},
			`INFO source-blocked event=source-blocked service=web attack=7 kind=churn mode=enforce source=203.0.113.0/24 rule=connections.per_source measured=250 threshold=100 why="for 10m0s"`},
		{"block that ended", policy.Event{Kind: policy.SourceFreed, Service: "web", Mode: policy.Enforce, Count: 12},
			"INFO source-freed event=source-freed service=web mode=enforce count=12"},
		{"no more blocks", policy.Event{Kind: policy.BlocksFull, Service: "web", Count: 2, Why: "limits.max_blocks is 5"},
			`WARN blocks-full event=blocks-full service=web mode=shadow count=2 why="limits.max_blocks is 5"`},
		{"exemption", policy.Event{Kind: policy.ExemptAdded, Source: prefix("192.0.2.0/24"), Count: 1, Why: "our office"},
			`INFO exempt-added event=exempt-added source=192.0.2.0/24 why="our office"`},
		{"exemption of a service", policy.Event{Kind: policy.ExemptEnded, Service: "web", Source: prefix("192.0.2.0/24"), Count: 1, Why: "its time is over"},
			`INFO exempt-ended event=exempt-ended service=web source=192.0.2.0/24 why="its time is over"`},
		{"exempt offender", policy.Event{Kind: policy.ExemptOffender, Service: "web", Mode: policy.Enforce, Source: prefix("192.0.2.1"), Count: 1, Reason: evidence},
			"WARN exempt-offender event=exempt-offender service=web mode=enforce source=192.0.2.1/32 rule=connections.per_source measured=250 threshold=100"},
		{"host", policy.Event{Kind: policy.CookiesOff, Count: 1, Why: "set net.ipv4.tcp_syncookies"},
			`WARN syn-cookies-off event=syn-cookies-off why="set net.ipv4.tcp_syncookies"`},
		{"pressure", policy.Event{Kind: policy.PressureChanged, Service: "web", Mode: policy.Enforce, Count: 1, Why: "50000 SYNs a second"},
			`INFO pressure-changed event=pressure-changed service=web mode=enforce why="50000 SYNs a second"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &logLines{}
			d := &Daemon{Config: Config{Log: slog.New(l.handler()), Now: clock{}.now, Wall: time.Now}}
			d.decided([]policy.Event{c.event})
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
		want := []string{"INFO started", "INFO ready", "WARN attack-began", "INFO limit-raised", "INFO limit-dropped", "INFO attack-ended", "INFO stopping"}
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
