package daemon

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/enforcer"
	"ebbgate/policy"
)

// leaveTable puts a table in force as an earlier run would leave it: one refused source, one blocked.
func (w *world) leaveTable(known bool) {
	w.t.Helper()
	p, _, err := ReadPolicy(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	now := w.clock.now()
	d := policy.Decision{At: now,
		Limits: []policy.Limit{{Service: "web", Source: prefix("203.0.113.1"), Mode: policy.Enforce, Refuse: true, Exact: true, Until: now.Add(6 * time.Second), Max: 10}},
		Blocks: []policy.Block{{Service: "web", Source: prefix("203.0.113.9"), Mode: policy.Enforce, Until: now.Add(time.Hour)}},
	}
	plan := enforcer.Diff(enforcer.Have{Known: true}, enforcer.Compile(p, &d, enforcer.Environment{}), now)
	w.rules.set(func(r *fakeRules) {
		r.kernel.Now = now
		if err := r.kernel.Apply(plan); err != nil {
			w.t.Fatal(err)
		}
		r.have = enforcer.Have{Known: known, Present: true}
		if known {
			r.have.Ruleset = plan.After
		}
	})
}

// TestInheritedTableIsLeftUntilTheFirstCensus: whoever it holds back must not get through while nobody
// is counted yet.
func TestInheritedTableIsLeftUntilTheFirstCensus(t *testing.T) {
	for _, known := range []bool{true, false} {
		inWorld(t, func(t *testing.T, w *world) {
			w.watcher.set(func(f *fakeWatcher) { f.takes = 700 * time.Millisecond })
			w.watcher.hold("web", "203.0.113.1", 11)
			w.leaveTable(known)
			w.rules.set(func(r *fakeRules) {
				r.counts = map[string]enforcer.Counts{"web": {Refused: 1000, Held: 1, Blocked: 20, Dropped: 30, Proxied: 40}}
			})
			w.start()
			w.pass(650 * time.Millisecond)
			if sent := w.rules.transactions(); len(sent) != 0 {
				t.Fatalf("known %t: changed before the census at %v:\n%s", known, sent[0].at, sent[0].text)
			}
			if at := w.trace.times("census"); len(at) != 1 || at[0] != 0 {
				t.Errorf("censuses began at %v, want one at once", at)
			}
			w.pass(time.Second)
			sent := w.rules.transactions()
			for _, s := range sent {
				if known && s.plan.Replaces() {
					t.Errorf("the table is replaced:\n%s", s.text)
				}
			}
			if !known && (len(sent) == 0 || !sent[0].plan.Replaces() || !strings.Contains(sent[0].text, "203.0.113.1")) {
				t.Errorf("an unreadable table is not replaced by one that refuses: %v", sent)
			}
			if !w.rules.holds("web_refuse4", "203.0.113.1") {
				t.Error("the source over its limit is not refused any more")
			}
			if n := w.packets(); n != [4]uint64{} {
				t.Errorf("known %t: %v packets since the start, want none: they are the earlier run's", known, n)
			}
			if lines := w.log.lines("taking over"); len(lines) != 1 {
				t.Errorf("log %q, want it once", lines)
			}
			w.stop()
		})
	}
}

// TestInheritedTableOutlivesNoLease: without a census it is left for one lease and no longer.
func TestInheritedTableOutlivesNoLease(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.set(func(f *fakeWatcher) { f.takes = time.Hour })
		w.step = always(policy.Decision{})
		w.leaveTable(true)
		w.start()
		w.pass(5900 * time.Millisecond)
		if sent := w.rules.transactions(); len(sent) != 0 {
			t.Fatalf("changed at %v:\n%s", sent[0].at, sent[0].text)
		}
		w.pass(300 * time.Millisecond)
		if sent := w.rules.transactions(); len(sent) != 1 || sent[0].text != "delete table inet ebbgate\n" {
			t.Errorf("after one lease: %v", sent)
		}
		w.stop()
	})
}

// TestInheritedTableThatGoesIsNotWaitedFor: whatever is wanted is built at once.
func TestInheritedTableThatGoesIsNotWaitedFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.set(func(f *fakeWatcher) { f.takes = time.Hour })
		w.step = always(policy.Decision{Blocks: []policy.Block{{Service: "web", Source: prefix("203.0.113.5"), Mode: policy.Enforce, Until: w.clock.now().Add(time.Hour)}}})
		w.leaveTable(true)
		w.start()
		w.rules.lose()
		w.pass(200 * time.Millisecond)
		if !w.rules.holds("web_block4", "203.0.113.5") {
			t.Errorf("not built again: %v", w.rules.transactions())
		}
		w.stop()
	})
}

// TestInheritedBlocksAreToldOnce: in the first turn, where the table could be read.
func TestInheritedBlocksAreToldOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		setup func(*world)
		want  []string
	}{
		{"read", func(w *world) { w.leaveTable(true) }, []string{"203.0.113.9/32"}},
		{"not readable", func(w *world) { w.leaveTable(false) }, nil},
		{"none", func(*world) {}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(strings.Replace(enforcing, `block_after = "0s"`, `block_after = "5s"`, 1))
				turns, told := 0, []string(nil)
				w.step = func(p *policy.Policy, s policy.State, o policy.Observation) (policy.State, policy.Decision) {
					for _, b := range o.Inherited {
						told = append(told, b.Source.String())
					}
					if len(o.Inherited) > 0 && turns > 0 {
						t.Errorf("told in turn %d", turns)
					}
					turns++
					return policy.Step(p, s, o)
				}
				tt.setup(w)
				w.start()
				w.pass(time.Second)
				if !slices.Equal(told, tt.want) || turns < 2 {
					t.Errorf("told of %q in %d turns, want %q", told, turns, tt.want)
				}
				if want := len(tt.want) > 0; want != w.rules.holds("web_block4", "203.0.113.9") {
					t.Errorf("the block goes on: %t, want %t", !want, want)
				}
				w.stop()
			})
		})
	}
}

// holds reports whether an address is in a set of the table in the kernel.
func (r *fakeRules) holds(set, addr string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := r.kernel.Ruleset.Format(r.clock.now())
	_, rest, found := strings.Cut(text, "set "+set+" {")
	list, _, _ := strings.Cut(rest, "\n\t}")
	return found && strings.Contains(list, netip.MustParseAddr(addr).String()+" ")
}
