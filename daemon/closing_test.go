package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/enforcer"
	"ebbgate/policy"
)

func TestWhatCallsForClosing(t *testing.T) {
	const old, now = policy.Instant(100), policy.Instant(200)
	for _, c := range []struct {
		name     string
		decision policy.Decision
		want     bool
	}{
		{"nothing", policy.Decision{}, false},
		{"a limit", policy.Decision{Limits: []policy.Limit{{Mode: policy.Enforce, Close: true, Counted: now}}}, true},
		{"a limit, acted upon", policy.Decision{Limits: []policy.Limit{{Mode: policy.Enforce, Close: true, Counted: old}}}, false},
		{"a limit that is not exceeded", policy.Decision{Limits: []policy.Limit{{Mode: policy.Enforce, Counted: now}}}, false},
		{"a limit in shadow mode", policy.Decision{Limits: []policy.Limit{{Close: true, Counted: now}}}, false},
		{"a block", policy.Decision{Blocks: []policy.Block{{Mode: policy.Enforce, Close: true, Counted: now, Since: old}}}, true},
		{"a block that begins by the clock", policy.Decision{Blocks: []policy.Block{{Mode: policy.Enforce, Close: true, Counted: old, Since: now}}}, true},
		{"a block, acted upon", policy.Decision{Blocks: []policy.Block{{Mode: policy.Enforce, Close: true, Counted: old, Since: old}}}, false},
		{"a block that holds nothing", policy.Decision{Blocks: []policy.Block{{Mode: policy.Enforce, Counted: now, Since: now}}}, false},
		{"a block in shadow mode", policy.Decision{Blocks: []policy.Block{{Close: true, Counted: now, Since: now}}}, false},
		{"a relief", policy.Decision{Reliefs: []policy.Relief{{Mode: policy.Enforce, Counted: now}}}, true},
		{"a relief, acted upon", policy.Decision{Reliefs: []policy.Relief{{Mode: policy.Enforce, Counted: old}}}, false},
		{"a relief in shadow mode", policy.Decision{Reliefs: []policy.Relief{{Counted: now}}}, false},
		{"the second of two", policy.Decision{Limits: []policy.Limit{
			{Mode: policy.Enforce, Close: true, Counted: old}, {Mode: policy.Enforce, Close: true, Counted: now}}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := closings{counted: old, blocked: old}
			counted, blocked := done.due(&c.decision)
			if got := counted > old || blocked > old; got != c.want {
				t.Errorf("due: %t, want %t", got, c.want)
			}
			done.counted, done.blocked = counted, blocked
			if again, more := done.due(&c.decision); again != counted || more != blocked {
				t.Error("the same decision calls for closing twice")
			}
		})
	}
}

// blocking is a decision that keeps one source away from web.
func blocking(at policy.Instant) policy.Decision {
	return policy.Decision{Blocks: []policy.Block{{Service: "web", Source: prefix("203.0.113.1"), Mode: policy.Enforce, Close: true,
		Counted: at, Since: at, Until: at.Add(time.Hour), Strikes: 1}}}
}

func TestABlockIsInTheKernelBeforeItsConnectionsAreClosed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.step = always(blocking(w.clock.now()))
		w.start()
		w.pass(time.Second)
		w.stop()
		if got := w.trace.only("apply", "close"); !slices.Equal(got, []string{"apply", "close"}) {
			t.Fatalf("calls %v, want the transaction, then one run of closings", got)
		}
		if text := w.rules.transactions()[0].text; !strings.Contains(text, "203.0.113.1") {
			t.Errorf("the transaction lacks the source:\n%s", text)
		}
		if asked := w.closer.asked[0].Blocks; len(asked) != 1 || asked[0].Source != prefix("203.0.113.1") {
			t.Errorf("the closer was asked to cut %+v", asked)
		}
		if apply, cut := w.trace.times("apply"), w.trace.times("close"); apply[0] != cut[0] {
			t.Errorf("closed at %v, but blocked at %v: want the same breath", cut[0], apply[0])
		}
	})
}

func TestABlockThatBeginsDuringARunIsClosedAfterIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.closer.takes = time.Second
		from := w.clock.now()
		w.step = func(p *policy.Policy, s policy.State, o policy.Observation) (policy.State, policy.Decision) {
			d := blocking(from)
			if o.At.Sub(from) >= 300*time.Millisecond {
				second := d.Blocks[0]
				second.Source, second.Since = prefix("203.0.113.2"), from.Add(300*time.Millisecond)
				d.Blocks = append(d.Blocks, second)
			}
			return always(d)(p, s, o)
		}
		w.start()
		w.pass(5 * time.Second)
		w.stop()
		if at := w.trace.times("close"); !slices.Equal(at, []time.Duration{0, time.Second}) {
			t.Errorf("runs of closings at %v, want the second at the end of the first", at)
		}
		if last := w.closer.asked[len(w.closer.asked)-1]; len(last.Blocks) != 2 {
			t.Errorf("the last run was asked to cut %+v", last.Blocks)
		}
	})
}

func TestWhatWasClosedIsObservedOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := &fakeRecorder{}
		w.recorder, w.step = r, always(blocking(w.clock.now()))
		w.closer.takes = 500 * time.Millisecond
		w.closer.closed = enforcer.Closed{Counts: map[string]int{"mail": 1, "web": 9}, BySource: []enforcer.SourceClosed{
			{Service: "mail", Source: prefix("203.0.113.1"), Count: 1}, {Service: "web", Source: prefix("203.0.113.1"), Count: 9}}}
		w.start()
		w.pass(3 * time.Second)
		w.stop()
		want := []policy.Cut{{Service: "mail", Source: prefix("203.0.113.1"), Count: 1}, {Service: "web", Source: prefix("203.0.113.1"), Count: 9}}
		told := 0
		for _, o := range r.seen {
			if len(o.Closed) == 0 {
				continue
			}
			told++
			if diff := cmp.Diff(want, o.Closed, cmp.Comparer(samePrefix)); diff != "" || w.clock.after(o.At) != 500*time.Millisecond {
				t.Errorf("at %v: %s", w.clock.after(o.At), diff)
			}
		}
		if told != 1 {
			t.Errorf("told in %d turns, want 1", told)
		}
		if n := w.publisher.latest().Services[0].ClosedConnections; n != 9 {
			t.Errorf("%d connections closed, want 9", n)
		}
	})
}
