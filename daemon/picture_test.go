package daemon

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/control"
	"ebbgate/enforcer"
	"ebbgate/policy"
)

// update rewrites the golden files. Commit a rewrite only when every changed line is wanted.
var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares a status with a file in testdata. What differs from run to run is made constant.
func golden(t *testing.T, name string, s *control.Status) {
	t.Helper()
	c := *s
	c.PID, c.PolicyFile = 4711, "/etc/ebbgate/config.toml"
	got, err := json.MarshalIndent(&c, "", "  ")
	must(t, err)
	got = append(got, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestPictureInPeace(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		if s := w.publisher.latest(); s.PID != os.Getpid() || s.PolicyFile != w.path || !s.Census.Taken.IsZero() {
			t.Errorf("pid %d, policy %s, census %+v in the first picture", s.PID, s.PolicyFile, s.Census)
		}
		w.pass(time.Second)
		golden(t, "peace.json", w.publisher.latest())
		w.stop()
	})
}

func TestPictureDuringAnAttack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.7", 25)
		w.watcher.hold("web", "203.0.113.1", 11)
		w.watcher.hold("web", "2001:db8:5::/64", 400)
		w.watcher.hold("web", "203.0.113.2", 7)
		w.watcher.hold("web", "203.0.113.3", 1)
		w.watcher.hold("mail", "203.0.113.7", 5)
		w.watcher.rest = policy.Rest{Sources: 6, Held: 6}
		w.closer.closed = enforcer.Closed{Counts: map[string]int{"web": 400}}
		w.watcher.listeners = []policy.Listener{
			{Service: "web", Local: netip.MustParseAddrPort("[::]:80"), Queue: 12, Backlog: 511},
			{Service: "web", Local: netip.MustParseAddrPort("10.0.0.1:8000"), Backlog: 128},
		}
		w.watcher.counters = policy.Counters{Valid: true, CurrEstab: 449, SynCookies: 1, ListenOverflows: 3,
			CookiesSent: 1000, CookiesValid: 500, CookiesFailed: 7, ConntrackCount: 444, ConntrackMax: 262144}
		w.start()
		w.pass(50 * time.Millisecond)
		w.watcher.set(func(f *fakeWatcher) {
			f.takes = time.Hour // the next census does not answer any more
			f.counters.CookiesSent += 2500
			f.counters.CookiesValid += 5
		})
		w.rules.set(func(r *fakeRules) {
			r.counts = map[string]enforcer.Counts{"web": {Refused: 70, Held: 5}, "mail": {Refused: 3}}
		})
		w.pass(1200 * time.Millisecond)
		golden(t, "attack.json", w.publisher.latest())
		w.stop()
	})
}

// everything is a decision with each kind of answer.
func everything(now policy.Instant) policy.Decision {
	reason := policy.Reason{Rule: "connections.per_source", Measured: 25, Threshold: 10, At: now}
	share := policy.Reason{Rule: "capacity", Measured: 900, Threshold: 800, At: now}
	minute := now.Add(time.Minute)
	return policy.Decision{
		Limits: []policy.Limit{
			{Service: "mail", Source: prefix("203.0.113.9"), Refuse: true, Held: 6, Counted: now, Max: 5, Since: now, Until: minute, Reason: reason},
			{Service: "web", Source: prefix("203.0.113.0/24"), Mode: policy.Enforce, Refuse: true, Held: 40, Counted: now, Max: 30, Since: now, Until: minute, Reason: share},
			{Service: "web", Source: prefix("203.0.113.7"), Mode: policy.Enforce, Exact: true, Held: 25, Counted: now, Max: 10, Since: now, Until: minute, Reason: reason},
		},
		Blocks: []policy.Block{
			{Service: "web", Source: prefix("198.51.100.1"), Mode: policy.Enforce, Strikes: 2, Since: now, Until: minute, Reason: reason},
			{Service: "web", Source: prefix("198.51.100.2"), Mode: policy.Enforce, Strikes: 1, Since: now + 1e9, Until: minute, Reason: reason},
		},
		Reliefs: []policy.Relief{{Service: "web", Mode: policy.Enforce, Held: 900, Counted: now, Max: 800, Reason: share}},
		Attacks: []policy.Attack{
			{ID: 4, Service: "web", Kind: policy.DistributedFlood, Mode: policy.Enforce, Began: now, Evidence: share, Why: "many sources",
				Changes: []policy.Change{{At: now, What: "share lowered to 30", Count: 1, Why: "pressure"}}},
			{ID: 5, Service: "web", Kind: policy.SlowApplication, Mode: policy.Enforce, Began: now, Why: "the application does not accept"},
		},
		Ended:  []policy.Attack{{ID: 3, Service: "mail", Kind: policy.Churn, Began: now - 5e9, Ended: now, EndedWhy: "quiet"}},
		Meters: []policy.Meter{{Service: "web", Max: 200, Until: minute}},
		Drops:  []policy.SYNDrop{{Service: "web", Source: prefix("198.51.100.3"), Mode: policy.Enforce, Until: minute}},
		Offenders: []policy.Offender{{Service: "mail", Source: prefix("198.51.100.200"), Since: now, Reason: reason},
			{Service: "web", Source: prefix("198.51.100.130"), Since: now, Reason: reason}},
		Exempt: []policy.Exemption{{Prefix: prefix("198.51.100.128/25"), Service: "web", Since: now, Until: minute, Reason: "a partner"}},
		SSH:    policy.SSH{Ports: []uint16{22}, Admins: []netip.Addr{netip.MustParseAddr("198.51.100.77")}},
	}
}

func TestPictureOfEveryAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(strings.Replace(enforcing, "ports = [80, \"8000-8010\"]\n", "ports = [80]\ncapacity = 1000\n  rate.syn_per_source = \"200/s\"\n  rate.new_per_source = \"50/s\"\n", 1))
		w.step = always(everything(w.clock.now()))
		w.watcher.listeners = []policy.Listener{{Service: "web", Local: netip.MustParseAddrPort("[::]:80"), Backlog: 511, Unit: "nginx.service"}}
		w.start()
		w.pass(10 * time.Millisecond)
		w.rules.set(func(r *fakeRules) {
			r.counts = map[string]enforcer.Counts{"web": {Refused: 70, Held: 5, Blocked: 800, Dropped: 90}}
		})
		w.pass(1300 * time.Millisecond)
		golden(t, "answers.json", w.publisher.latest())
		w.stop()
	})
}

func TestPictureOfATableOthersCanRemove(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rules.owned, w.rules.features.Owner = false, false
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(firstAnswer)
		want := control.Table{Present: true, Conntrack: control.ConntrackOurs, Features: w.rules.features.Has(),
			Fallbacks: []string{"no table owned by our socket (Linux 5.12): a table that others remove is noticed and built again within a second"},
			Sets:      w.publisher.latest().Table.Sets}
		if diff := cmp.Diff(want, w.publisher.latest().Table); diff != "" {
			t.Error(diff)
		}
		w.stop()
	})
}

func TestLimitsShownAreTheHeaviest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 150 {
			w.watcher.hold("web", netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String(), 10+i*7%150)
		}
		w.start()
		w.pass(firstAnswer)
		svc := w.publisher.latest().Services[0]
		if svc.LimitsTotal != 150 || len(svc.Limits) != control.MaxLimits {
			t.Errorf("%d limits of %d, want %d of 150", len(svc.Limits), svc.LimitsTotal, control.MaxLimits)
		}
		for i, l := range svc.Limits {
			if l.Held != 159-i {
				t.Fatalf("limit %d holds %d, want %d: heaviest first", i, l.Held, 159-i)
			}
		}
		w.stop()
	})
}

func TestStateInOneWord(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		state := func(want control.State) {
			t.Helper()
			if got := w.publisher.latest().State; got != want {
				t.Errorf("after %v: state %s, want %s", w.clock.after(w.clock.now()), got, want)
			}
		}
		faulty := func(on bool) {
			w.watcher.set(func(f *fakeWatcher) {
				if f.faults = nil; on {
					f.faults = []policy.Fault{{Part: "counters", Text: "gone"}}
				}
			})
			w.pass(200 * time.Millisecond)
		}
		w.start()
		state(control.StatePeace)
		faulty(true)
		state(control.StateDegraded)
		faulty(false)
		state(control.StatePeace)
		w.watcher.hold("web", "203.0.113.1", 25)
		w.pass(2 * time.Second)
		state(control.StateAttack)
		faulty(true)
		state(control.StateDegraded)
		faulty(false)
		state(control.StateAttack)
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(10 * time.Second)
		state(control.StatePeace)
		w.stop()
	})
}

func TestPublishedPicturesAreNotChanged(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rules.refuse = errRefused // a fault whose text changes with each try
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(time.Second)
		old := w.publisher.latest()
		before, err := json.Marshal(old)
		must(t, err)
		w.pass(3 * time.Second)
		w.watcher.hold("web", "203.0.113.1", 60)
		w.watcher.set(func(f *fakeWatcher) { f.short = true })
		w.write("mode = 1")
		w.hup()
		w.pass(3 * time.Second)
		w.stop()
		after, err := json.Marshal(old)
		must(t, err)
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRulesetMayBeWrittenOutByAnybody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(firstAnswer)
		show := w.publisher.shown()
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for range 20 {
					if r := show(); !strings.Contains(r.Text, "203.0.113.1") || r.Text != r.Would {
						t.Errorf("in force:\n%s\nwanted:\n%s", r.Text, r.Would)
					}
					time.Sleep(10 * time.Millisecond) // of synctest's time, while the loop turns
				}
			})
		}
		readers.Wait()
		w.stop()
	})
}

func TestServicesAreInTheOrderOfThePolicy(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		var names []string
		for _, s := range w.publisher.latest().Services {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, []string{"web", "mail"}) {
			t.Errorf("services %v", names)
		}
		w.stop()
	})
}

func TestWhatABlockClosedIsCounted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.step = always(blocking(w.clock.now()))
		w.closer.closed = enforcer.Closed{Counts: map[string]int{"web": 9}}
		w.start()
		defer w.stop()
		w.pass(time.Second)
		if n := w.publisher.latest().Services[0].ClosedConnections; n != 9 {
			t.Errorf("%d connections closed, want the 9 the blocked source held", n)
		}
	})
}
