package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/policy"
)

func TestLostTableIsBuiltAgainInTheSameTurn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 10)
		w.start()
		w.pass(time.Second)
		before := len(w.rules.transactions())
		w.rules.lose()
		w.pass(200 * time.Millisecond)
		sent := w.rules.transactions()[before:]
		if len(sent) != 1 || !strings.HasPrefix(sent[0].text, "add table inet ebbgate\n") || !strings.Contains(sent[0].text, "203.0.113.1") {
			t.Fatalf("want the table built again, got %v", sent)
		}
		looked := firstAfter(w.trace.times("tick"), time.Second)
		if sent[0].at != looked {
			t.Errorf("built again at %v, want the first turn after the loss, %v", sent[0].at, looked)
		}
		w.pass(time.Second)
		want := []string{`WARN table-lost event=table-lost why="somebody else removed the table; it was built again"`}
		if got := w.log.lines("removed"); !slices.Equal(got, want) {
			t.Errorf("log %q, want it once", got)
		}
		if got := w.faults(); len(got) != 0 {
			t.Errorf("faults %q: a lost table is no fault once it is there again", got)
		}
		w.stop()
	})
}

// count sets the table's counters.
func count(refused, held uint64) func(*fakeRules) {
	return func(r *fakeRules) { r.counts = map[string]enforcer.Counts{"web": {Refused: refused, Held: held}} }
}

// endings are the ways in which a table's counters come to their end.
var endings = []struct {
	name string
	end  func(*world)
	gone bool // the table, for good
}{
	{"somebody deleted it", func(w *world) { w.rules.lose() }, false},
	{"a reload made its sets anew", func(w *world) {
		w.write(strings.Replace(enforcing, "[exempt]", "[observe]\nmax_sources = 5000\n[exempt]", 1))
		w.hup()
	}, false},
	{"a refused transaction left it unknown", func(w *world) {
		w.rules.set(func(r *fakeRules) { r.refuse = errRefused })
		w.watcher.hold("web", "203.0.113.2", 10)
		w.pass(250 * time.Millisecond)
		w.rules.set(func(r *fakeRules) { r.refuse = nil })
	}, false},
	{"its counters began anew unseen", func(w *world) { w.rules.set(count(0, 0)) }, false},
	{"the attack ended", func(w *world) {
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(10 * time.Second)
	}, true},
}

func TestCountsOutliveTheirTable(t *testing.T) {
	for _, c := range endings {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.watcher.hold("web", "203.0.113.1", 10)
				w.start()
				w.rules.set(count(40, 2))
				w.pass(1500 * time.Millisecond)
				refused := func() uint64 { return w.publisher.latest().Services[0].RefusedPackets }
				if n := refused(); n != 42 {
					t.Fatalf("%d packets refused, want 42", n)
				}
				c.end(w)
				w.pass(2500 * time.Millisecond)
				if n := refused(); n != 42 {
					t.Errorf("%d packets refused after the table went, want still 42", n)
				}
				if present := w.rules.Have().Present; present == c.gone {
					t.Fatalf("table present: %t", present)
				}
				if !c.gone {
					w.rules.set(count(3, 0))
					w.pass(1500 * time.Millisecond)
					if n := refused(); n != 45 {
						t.Errorf("%d packets refused with the next table, want 45", n)
					}
				}
				w.stop()
			})
		})
	}
}

func TestCountsBetweenTwoReadingsAreNotLost(t *testing.T) {
	for name, end := range map[string]func(*world){
		"lost": func(w *world) { w.rules.lose() },
		"its sets made anew": func(w *world) {
			w.rules.set(func(r *fakeRules) { r.counts = map[string]enforcer.Counts{"web": {Refused: 47}} })
			w.write(strings.Replace(enforcing, "[exempt]", "[observe]\nmax_sources = 5000\n[exempt]", 1))
			w.hup()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.watcher.hold("web", "203.0.113.1", 10)
				w.start()
				w.pass(firstAnswer)
				w.rules.set(func(r *fakeRules) { r.counts = map[string]enforcer.Counts{"web": {Refused: 42}} })
				w.pass(1080 * time.Millisecond)
				end(w)
				w.pass(210 * time.Millisecond)
				// The next table counts past the last one before it is read; one whose sets changed counts on.
				w.rules.set(func(r *fakeRules) { r.counts = map[string]enforcer.Counts{"web": {Refused: 100}} })
				w.pass(1500 * time.Millisecond)
				want := map[string]uint64{"lost": 142, "its sets made anew": 100}[name]
				if n := w.publisher.latest().Services[0].RefusedPackets; n != want {
					t.Errorf("%d packets refused, want %d", n, want)
				}
				w.stop()
			})
		})
	}
}

func TestCountersThatCannotBeReadAreAFaultWhileThereIsATable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 10)
		w.start()
		w.rules.set(func(r *fakeRules) { r.uncount = errors.New("read counters: no such file or directory") })
		w.pass(3 * time.Second)
		if got := w.faults(); !slices.Equal(got, []string{"counters of the table: read counters: no such file or directory"}) {
			t.Errorf("faults %q", got)
		}
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(10 * time.Second)
		if w.rules.Have().Present {
			t.Fatal("the table should have gone")
		}
		if got := w.faults(); len(got) != 0 {
			t.Errorf("faults with no table left to read: %q", got)
		}
		w.stop()
	})
}

func TestNothingIsUntrackedOnceOthersTrack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 10)
		w.start()
		w.pass(time.Second)
		inForce := func() string { return w.rules.kernel.Ruleset.Format(w.clock.now()) }
		if s := w.publisher.latest().Table; !strings.Contains(inForce(), "notrack") || s.Conntrack != control.ConntrackOurs {
			t.Fatalf("conntrack %s, and in force:\n%s", s.Conntrack, inForce())
		}
		w.rules.set(func(r *fakeRules) { r.others = true })
		w.pass(200 * time.Millisecond)
		if s := w.publisher.latest().Table; strings.Contains(inForce(), "notrack") || s.Conntrack != control.ConntrackOthers {
			t.Errorf("conntrack %s, and in force:\n%s", s.Conntrack, inForce())
		}
		if !strings.Contains(inForce(), "ct count") {
			t.Errorf("the watched source is not held any more:\n%s", inForce())
		}
		if w.publisher.latest().Table.Assumed {
			t.Error("others were seen to use conntrack, and it is called an assumption")
		}
		w.rules.set(func(r *fakeRules) { r.env.Assumed = true })
		w.pass(200 * time.Millisecond)
		if !w.publisher.latest().Table.Assumed {
			t.Error("nobody was seen to use conntrack, and the status does not say so")
		}
		w.rules.set(func(r *fakeRules) { r.others, r.env.Assumed = false, false })
		w.pass(200 * time.Millisecond)
		if !strings.Contains(inForce(), "notrack") {
			t.Errorf("nobody else tracks any more, and in force:\n%s", inForce())
		}
		want := []string{"INFO conntrack used_by_others=true", "INFO conntrack used_by_others=false"}
		if got := w.log.lines("used_by_others"); !slices.Equal(got, want) {
			t.Errorf("log %q, want %q", got, want)
		}
		w.stop()
	})
}

func TestFirstRuleIsNotedOnceForEachAttack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := func() time.Duration {
			a := w.publisher.latest().Services[0].Attacks
			if len(a) == 0 {
				return -1
			}
			return a[0].FirstRule.Sub(w.clock.began)
		}
		w.watcher.hold("web", "203.0.113.1", 10)
		w.start()
		w.pass(firstAnswer)
		if first() != firstAnswer {
			t.Errorf("first rule after %v, want %v", first(), firstAnswer)
		}
		w.pass(2 * time.Second)
		w.rules.lose()
		w.pass(2 * time.Second)
		if first() != firstAnswer {
			t.Errorf("first rule after %v once the table was built again, want still %v", first(), firstAnswer)
		}
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(10 * time.Second)
		if first() != -1 {
			t.Errorf("first rule after %v of an attack that ended", first())
		}
		w.watcher.hold("web", "203.0.113.1", 10)
		w.pass(2 * time.Second)
		sent := w.rules.transactions()
		if at := sent[len(sent)-1].at; first() != at {
			t.Errorf("first rule against the second attack at %v, want %v", first(), at)
		}
		w.stop()
		if n := len(w.daemon.history.first); n != 1 {
			t.Errorf("%d attacks are remembered, want the one that is open", n)
		}
	})
}

// firstAfter returns the first of some times that is later than t.
func firstAfter(at []time.Duration, t time.Duration) time.Duration {
	i, found := slices.BinarySearch(at, t)
	if found {
		i++
	}
	return at[i]
}

// TestNeighboursOfAnObservation: what others do comes from the last look, and is no guess; what the kernel can
// do is known from the start.
func TestNeighboursOfAnObservation(t *testing.T) {
	for _, tt := range []struct {
		env  enforcer.Environment
		can  bool
		want policy.Firewall
	}{
		{enforcer.Environment{Known: true}, true, policy.Firewall{Known: true, Synproxy: true}},
		{enforcer.Environment{Known: true, OthersTrack: true}, true, policy.Firewall{Known: true, Tracks: true, Synproxy: true}},
		{enforcer.Environment{Known: true, OthersTrack: true}, false, policy.Firewall{Known: true, Tracks: true}},
		{enforcer.Environment{OthersTrack: true}, true, policy.Firewall{Synproxy: true}},
	} {
		d := Daemon{Config: Config{Rules: &fakeRules{t: t, env: tt.env, features: enforcer.Features{SYNProxy: tt.can}}}}
		o := policy.Observation{Firewall: policy.Firewall{Loose: true}} // which is not asked here
		d.neighbours(&o)
		tt.want.Loose = true
		if o.Firewall != tt.want {
			t.Errorf("%+v, SYNPROXY %t: %+v, want %+v", tt.env, tt.can, o.Firewall, tt.want)
		}
	}
}
