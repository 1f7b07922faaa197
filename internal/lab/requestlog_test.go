package lab

import (
	"testing"
	"time"
)

var birth = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// at returns a moment so many milliseconds after birth.
func at(ms int) time.Time { return birth.Add(time.Duration(ms) * time.Millisecond) }

// writeLog logs one request every 10 ms: + succeeded, - failed, ? still under way, w withdrawn. Each
// takes a millisecond.
func writeLog(l *requestLog, outcomes string) {
	for i, o := range outcomes {
		seq := l.begin(at(10 * i))
		switch o {
		case '+', '-':
			l.finish(seq, at(10*i+1), o == '+')
		case 'w':
			l.withdraw(seq)
		}
	}
}

func TestRecovered(t *testing.T) {
	const never = -1
	for _, c := range []struct {
		name     string
		outcomes string
		after    int
		window   int
		now      int
		want     int
	}{
		{"no request at all", "", 0, 10, 1000, never},
		{"always served", "++++++", 0, 30, 60, 0},
		{"an outage", "++---++++++", 0, 30, 110, 50},
		{"begins after the outage", "++---++++++", 70, 30, 110, 70},
		{"begins between two requests", "++++++++", 25, 30, 80, 30},
		{"a relapse within the window", "--++-++++++", 0, 30, 110, 50},
		{"a relapse after the window", "--++++++-++", 0, 30, 110, 20},
		{"the request at the window's end does not count", "--+++-", 0, 30, 60, 20},
		{"the last request before the window's end does", "--+++-", 0, 31, 60, never},
		{"the window is not over", "--++++", 0, 50, 69, never},
		{"the window is just over", "--++++", 0, 50, 70, 20},
		{"a request of the window is under way", "--++?+", 0, 40, 70, never},
		{"a request after the window is under way", "--+++?", 0, 30, 70, 20},
		{"withdrawn requests do not matter", "-w+w++", 0, 30, 70, 20},
		{"never served again", "++----", 20, 10, 100, never},
		{"asked for a time to come", "++++++", 500, 10, 600, never},
		{"a short window before the outage", "++---++++", 0, 10, 110, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newRequestLog(birth)
			writeLog(l, c.outcomes)
			got, ok := l.recovered(at(c.after), time.Duration(c.window)*time.Millisecond, at(c.now))
			if ok != (c.want != never) || ok && !got.Equal(at(c.want)) {
				t.Errorf("%q: got %v %t, want %d ms", c.outcomes, got.Sub(birth), ok, c.want)
			}
		})
	}
}

func TestRecoveredOfAnEndedLog(t *testing.T) {
	l := newRequestLog(birth)
	writeLog(l, "--++++")
	l.end(at(60))
	if got, ok := l.recovered(birth, 50*time.Millisecond, at(10_000)); ok {
		t.Errorf("recovered at %v, though nobody asked after 60 ms", got.Sub(birth))
	}
	if got, ok := l.recovered(birth, 40*time.Millisecond, at(10_000)); !ok || !got.Equal(at(20)) {
		t.Errorf("got %v %t", got.Sub(birth), ok)
	}
}

func TestSpan(t *testing.T) {
	l := newRequestLog(birth)
	for i := range 100 {
		l.finish(l.begin(at(i)), at(2*i+1), true) // takes i+1 ms
	}
	l.finish(l.begin(at(100)), at(900), false)
	l.begin(at(101))
	l.withdraw(l.begin(at(102)))
	const ms = time.Millisecond
	for _, c := range []struct {
		name     string
		from, to int
		want     Span
	}{
		{"all", 0, 1000, Span{Attempted: 102, Succeeded: 100, Failed: 1, InFlight: 1, P50: 50 * ms, P95: 95 * ms, Max: 100 * ms}},
		{"half open", 10, 20, Span{Attempted: 10, Succeeded: 10, P50: 15 * ms, P95: 19 * ms, Max: 20 * ms}},
		{"failures have no latency", 100, 101, Span{Attempted: 1, Failed: 1}},
		{"nothing", 500, 1000, Span{}},
		{"reversed", 50, 20, Span{}},
	} {
		if got := l.span(at(c.from), at(c.to)); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestFirstFailure(t *testing.T) {
	l := newRequestLog(birth)
	writeLog(l, "-++?--+")
	for _, c := range []struct{ after, want int }{{0, 0}, {1, 40}, {40, 40}, {41, 50}} {
		if got, ok := l.firstFailure(at(c.after)); !ok || !got.Equal(at(c.want)) {
			t.Errorf("after %d: %v %t, want %d", c.after, got.Sub(birth), ok, c.want)
		}
	}
	if got, ok := l.firstFailure(at(51)); ok {
		t.Errorf("after the last: %v", got.Sub(birth))
	}
}

func TestTotals(t *testing.T) {
	l := newRequestLog(birth)
	writeLog(l, "++-?w")
	if got, want := l.totals(), (Totals{Attempted: 4, Succeeded: 2, Failed: 1, InFlight: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRequestLogForgetsTheOlderHalf(t *testing.T) {
	l := newRequestLog(birth)
	l.most = 8
	early := l.begin(at(0))
	writeLog(l, "++++++++++++") // twelve more
	if len(l.requests) > l.most {
		t.Errorf("%d requests kept, at most %d are allowed", len(l.requests), l.most)
	}
	l.finish(early, at(500), false) // was forgotten; counts in the totals only
	if got := l.totals(); got.Attempted != 13 || got.Succeeded != 12 || got.Failed != 1 {
		t.Errorf("%+v", got)
	}
	span := l.span(at(0), at(1000))
	if span.Failed != 0 || span.Succeeded != len(l.requests) {
		t.Errorf("%+v of %d requests", span, len(l.requests))
	}
	late := l.begin(at(130))
	l.finish(late, at(131), false)
	if got, ok := l.firstFailure(at(0)); !ok || !got.Equal(at(130)) {
		t.Errorf("first failure %v %t", got.Sub(birth), ok)
	}
}
