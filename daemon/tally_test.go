package daemon

import (
	"strings"
	"testing"
	"time"

	"ebbgate/enforcer"
	"ebbgate/policy"
)

func TestCounterThatBeginsAnew(t *testing.T) {
	var c counter
	for i, step := range []struct {
		do   func()
		want uint64
	}{
		{func() { c.read(10) }, 10},
		{func() { c.read(15) }, 15},
		{func() { c.read(3) }, 18}, // made anew, unseen
		{func() { c.end() }, 18},   // gone with its table
		{func() { c.read(40) }, 58},
		{func() { c.restart() }, 0}, // another mode
		{func() { c.read(41) }, 1},
		{func() { c.read(0) }, 1},
		{func() { c.read(2) }, 3},
		{func() { c.restart() }, 0},
		{func() { c.end() }, 0},
		{func() { c.read(2) }, 2},
	} {
		step.do()
		if got := c.sum(); got != step.want {
			t.Fatalf("after step %d: %d, want %d", i, got, step.want)
		}
	}
}

// packets returns what the status tells of web: refused, blocked, dropped, proxied.
func (w *world) packets() [4]uint64 {
	s := w.publisher.latest().Services[0]
	return [4]uint64{s.RefusedPackets, s.BlockedPackets, s.DroppedPackets, s.ProxiedPackets}
}

func TestEachCounterBeginsAnewByItself(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 10)
		w.start()
		defer w.stop()
		for _, c := range []struct {
			now  enforcer.Counts
			want [4]uint64
		}{
			{enforcer.Counts{Refused: 10, Held: 1, Blocked: 500, Dropped: 7, Proxied: 3}, [4]uint64{11, 500, 7, 3}},
			{enforcer.Counts{Refused: 20, Held: 2, Blocked: 600, Dropped: 7, Proxied: 1}, [4]uint64{22, 600, 7, 4}},
			{enforcer.Counts{Refused: 30, Held: 2, Blocked: 0, Dropped: 8}, [4]uint64{32, 600, 8, 4}}, // the block ended
			{enforcer.Counts{Refused: 30, Held: 2, Blocked: 50, Dropped: 9}, [4]uint64{32, 650, 9, 4}},
		} {
			w.rules.set(func(r *fakeRules) { r.counts = map[string]enforcer.Counts{"web": c.now} })
			w.pass(1300 * time.Millisecond)
			if got := w.packets(); got != c.want {
				t.Errorf("with %+v in the kernel: %v, want %v", c.now, got, c.want)
			}
		}
		w.rules.lose()
		w.pass(1300 * time.Millisecond)
		if got, want := w.packets(), [4]uint64{32, 650, 9, 4}; got != want {
			t.Errorf("after the table was lost: %v, want %v", got, want)
		}
	})
}

func TestAnotherModeBeginsATallyAnew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.closer.closed = enforcer.Closed{Counts: map[string]int{"web": 3}}
		w.start()
		defer w.stop()
		w.pass(time.Second)
		w.rules.set(func(r *fakeRules) {
			r.counts = map[string]enforcer.Counts{"web": {Refused: 10, Blocked: 20, Dropped: 30}}
		})
		w.pass(1300 * time.Millisecond)
		w.rules.set(func(r *fakeRules) {
			r.counts = map[string]enforcer.Counts{"web": {Refused: 11, Blocked: 22, Dropped: 33}}
		})
		shadow := strings.Replace(enforcing, `mode = "enforce"`, `mode = "shadow"`, 1)
		w.write(shadow)
		w.watcher.hold("web", "203.0.113.1", 9) // nothing more to close
		w.hup()
		s := w.publisher.latest().Services[0]
		if got := w.packets(); got != [4]uint64{} || s.BlocksBegun != 0 {
			t.Errorf("after the change of mode: %v, %d blocks, want none of what was done before", got, s.BlocksBegun)
		}
		if s.CountedSince.IsZero() || !w.publisher.latest().Services[1].CountedSince.IsZero() {
			t.Errorf("counted since %v, and %v where no mode changed", s.CountedSince, w.publisher.latest().Services[1].CountedSince)
		}
		w.write(shadow + "# the same\n")
		w.rules.set(func(r *fakeRules) {
			if r.counts != nil { // the table may have been replaced
				r.counts = map[string]enforcer.Counts{"web": {Refused: 15, Blocked: 22, Dropped: 33}}
				return
			}
			r.counts = map[string]enforcer.Counts{"web": {Refused: 4}}
		})
		w.hup()
		if got := w.packets(); got != [4]uint64{4, 0, 0} {
			t.Errorf("after a reload that changes nothing: %v, want what was counted in the mode", got)
		}
	})
}

func TestShadowTellsWhatWouldHaveBeenClosedAndBlocked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		turn := 0
		w.step = func(_ *policy.Policy, _ policy.State, o policy.Observation) (policy.State, policy.Decision) {
			turn++
			d := policy.Decision{At: o.At}
			a := policy.Attack{ID: 1, Service: "mail", Kind: policy.ConnectionFlood, Began: 1, Excess: 10 * turn}
			b := policy.Attack{ID: 2, Service: "web", Kind: policy.ConnectionFlood, Began: 1, Excess: 1000, Mode: policy.Enforce}
			switch {
			case turn < 5:
				d.Attacks = []policy.Attack{a, b}
			case turn == 5:
				a.Ended = o.At
				d.Attacks, d.Ended = []policy.Attack{b}, []policy.Attack{a}
				d.Events = []policy.Event{{Kind: policy.SourceBlocked, Service: "mail", Count: 3}, {Kind: policy.SourceFreed, Service: "mail", Count: 1}}
			case turn == 6:
				d.Events = []policy.Event{{Kind: policy.SourceBlocked, Service: "web", Count: 2, Mode: policy.Enforce}}
			case turn < 10:
				d.Attacks = []policy.Attack{{ID: 3, Service: "mail", Kind: policy.ConnectionFlood, Began: 1, Excess: 5}}
			}
			return policy.State{At: o.At}, d
		}
		w.start()
		w.pass(5 * time.Second)
		w.stop()
		web, mail := w.publisher.latest().Services[0], w.publisher.latest().Services[1]
		if mail.ClosedConnections != 55 || mail.BlocksBegun != 3 {
			t.Errorf("shadow mode: %d closed, %d blocked, want 55 and 3", mail.ClosedConnections, mail.BlocksBegun)
		}
		if web.ClosedConnections != 0 || web.BlocksBegun != 2 {
			t.Errorf("enforce mode: %d closed, %d blocked, want 0, as nothing was closed, and 2", web.ClosedConnections, web.BlocksBegun)
		}
		if n := len(w.daemon.tally.excess); n != 0 {
			t.Errorf("%d attacks are remembered, but none is open", n)
		}
	})
}
