package daemon

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// metering is enforcing with a SYN meter on web.
var metering = strings.Replace(enforcing, "ports = [80, \"8000-8010\"]\n", "ports = [80, \"8000-8010\"]\n  rate.syn_per_source = \"200/s\"\n", 1)

func TestSYNFloodArmsMeters(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(metering)
		w.start()
		defer w.stop()
		w.pass(time.Second)
		if len(w.rules.transactions()) != 0 {
			t.Fatal("there is a meter in peace")
		}
		w.watcher.set(func(f *fakeWatcher) { f.counters.CookiesSent += 1000 })
		w.pass(time.Second)
		sent := w.rules.transactions()
		if len(sent) != 1 || !strings.Contains(sent[0].text, "update @web_rate4 { ip saddr limit rate over 200/second burst 200 packets }") {
			t.Fatalf("transactions %v, want one with a meter", sent)
		}
		w.rules.set(func(r *fakeRules) {
			r.meters = []policy.SYNMeter{{Service: "web", SYNs: 1000, Over: 500, Sources: []policy.SYNSource{
				{Source: prefix("203.0.113.1"), Over: 400}, {Source: prefix("203.0.113.2"), Over: 100}}}}
		})
		w.watcher.set(func(f *fakeWatcher) { f.proven = map[string]bool{"203.0.113.2/32": true} })
		w.pass(1300 * time.Millisecond)
		w.rules.set(func(r *fakeRules) { // the slice is the observation's by now
			r.meters = []policy.SYNMeter{r.meters[0]}
			r.meters[0].SYNs, r.meters[0].Over = 5000, 2500
		})
		w.pass(1300 * time.Millisecond)
		got := w.publisher.latest().Services[0].SYNs
		if got == nil || got.Max != 200 || got.PerS < 1000 || got.OverPerS < 500 || got.Sources != 2 {
			t.Fatalf("meter %+v", got)
		}
		if got.Top[0].Proven || !got.Top[1].Proven || got.Top[0].Over != 400 {
			t.Errorf("sources %+v, want the second proven", got.Top)
		}
		if other := w.publisher.latest().Services[1].SYNs; other != nil {
			t.Errorf("a service without a meter shows %+v", other)
		}
		w.pass(2 * time.Minute)
		if s := w.publisher.latest(); s.Table.Present || s.Services[0].SYNs != nil {
			t.Errorf("two minutes after the flood: table %+v, meter %+v", s.Table, s.Services[0].SYNs)
		}
	})
}

func TestUnreadableMeterIsAFault(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.rules.set(func(r *fakeRules) { r.unmeter = errors.New("the kernel is silent") })
		w.pass(1300 * time.Millisecond)
		if got := w.faults(); len(got) != 1 || got[0] != "SYN meters: the kernel is silent" {
			t.Errorf("faults %q", got)
		}
		w.rules.set(func(r *fakeRules) { r.unmeter = nil })
		w.pass(1300 * time.Millisecond)
		if got := w.faults(); len(got) != 0 {
			t.Errorf("faults %q after it was mended", got)
		}
	})
}

func TestChurnArmsTheCountOfEndings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.pass(time.Second)
		armed := func() (is bool) {
			w.watcher.set(func(f *fakeWatcher) { is = f.armed })
			return is
		}
		if armed() {
			t.Fatal("endings are counted in peace")
		}
		w.watcher.set(func(f *fakeWatcher) { f.counters.PassiveOpens += 1000 })
		w.pass(300 * time.Millisecond)
		if !armed() {
			t.Fatal("endings are not counted although connections are opened fast")
		}
		w.pass(2 * time.Minute)
		if armed() {
			t.Error("endings are still counted two minutes later")
		}
	})
}

func TestEndingsShown(t *testing.T) {
	second := policy.Instant(time.Second)
	m := meters{}
	m.age(&policy.Observation{At: 11 * second, Endings: policy.Endings{Taken: true, From: 9 * second, Span: 2 * time.Second,
		Services: []policy.ServiceEndings{{Service: "web", Ended: 300, Rest: policy.EndingsRest{Sources: 5, Ended: 80},
			Sources: []policy.SourceEndings{{Source: prefix("203.0.113.1"), Ended: 20}, {Source: prefix("203.0.113.2"), Ended: 200}}}}}})
	got := m.endings["web"]
	if got == nil || got.PerS != 150 || got.Sources != 7 || !got.Complete || len(got.Top) != 2 ||
		got.Top[0] != (control.Ended{Source: netip.MustParsePrefix("203.0.113.2/32"), PerS: 100}) {
		t.Errorf("endings %+v", got)
	}
	if other := m.endings["mail"]; other != nil {
		t.Errorf("a service that was not counted shows %+v", other)
	}
	m.age(&policy.Observation{At: 12 * second})
	if m.endings["web"] == nil {
		t.Error("the latest count is forgotten after a second")
	}
	m.age(&policy.Observation{At: 15 * second})
	if old := m.endings["web"]; old != nil {
		t.Errorf("an old count is shown: %+v", old)
	}
	for _, e := range []policy.Endings{{Lost: 1}, {Paused: time.Millisecond}} {
		e.Taken, e.From, e.Span, e.Services = true, 20*second, time.Second, []policy.ServiceEndings{{Service: "web"}}
		m.age(&policy.Observation{At: 21 * second, Endings: e})
		if got := m.endings["web"]; got == nil || got.Complete {
			t.Errorf("with losses: %+v, want an incomplete count", got)
		}
	}
}

func TestMetersOfANewTableBeginAnew(t *testing.T) {
	second := policy.Instant(time.Second)
	var m meters
	for i, syns := range []uint64{1000, 3000, 10, 510} {
		m.read(&policy.Observation{At: policy.Instant(i+1) * second, SYNs: []policy.SYNMeter{{Service: "web", SYNs: syns}}}, nil)
		want := []control.Rate{0, 2000, 0, 500}[i]
		if got := m.syns["web"].shown; got.PerS != want {
			t.Errorf("reading %d: %v SYNs a second, want %v", i, got.PerS, want)
		}
	}
	m.read(&policy.Observation{At: 6 * second}, nil)
	if got := m.syns["web"].shown; got != nil {
		t.Errorf("without a meter: %+v", got)
	}
}

// TestMetersAreReadByTheClock holds the readings to one a second, however many turns there are.
func TestMetersAreReadByTheClock(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		defer w.stop()
		w.watcher.hold("web", "203.0.113.1", 25) // an attack: as many censuses as the pause allows
		w.pass(10 * time.Second)
		turns, readings := len(w.trace.times("tick")), len(w.trace.times("meters"))
		if readings < 8 || readings > 11 || turns < 40 {
			t.Errorf("%d readings in %d turns and 10 s, want one a second", readings, turns)
		}
	})
}
