package daemon

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/history"
	"ebbgate/policy"
	"ebbgate/recording"
)

// fakeKeeper keeps in memory what it is given.
type fakeKeeper struct {
	mu    sync.Mutex
	kept  policy.Kept
	open  []history.Record
	ended []history.Record
	err   error
}

func (k *fakeKeeper) Save(kept policy.Kept, open []history.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = kept
	if open != nil {
		k.open = open
	}
}

func (k *fakeKeeper) Ended(records []history.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = append(k.ended, records...)
}

func (k *fakeKeeper) Err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

// fail makes it fail from now on; nil: it works.
func (k *fakeKeeper) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

// before is what an earlier run of the same boot left: one source blocked for ten minutes.
func before(w *world) history.Restored {
	now := w.clock.now()
	return history.Restored{Ended: []control.Attack{{ID: "7", Service: "web", Ended: control.TimeOf(time.Now())}},
		Kept: policy.Kept{Saved: policy.Moment{Boot: "boot one", At: now, Wall: time.Now().UnixNano()}, Attacks: 7, Seed: 9,
			Blocks: []policy.BlockState{{Service: "web", Source: netip.MustParsePrefix("203.0.113.9/32"), Cause: policy.ConnectionFlood, Mode: policy.Enforce,
				Peak: 500, Strikes: 3, Since: now, Until: now.Add(10 * time.Minute), Decay: now.Add(time.Hour),
				Reason: policy.Reason{Rule: "connections.per_source", Measured: 500, Threshold: 10, At: now}}}}}
}

const blockingPolicy = `mode = "enforce"
[[service]]
name  = "web"
ports = [80]
  [service.connections]
  per_source = 10
  [service.response]
  quiet = "8s"
`

func TestWhatWasKeptIsInTheFirstRules(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(blockingPolicy)
		k := &fakeKeeper{}
		w.keeper, w.restored = k, before(w)
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		if b := w.daemon.decision.Blocks; len(b) != 1 || b[0].Strikes != 3 || !w.rules.Have().Present {
			t.Errorf("after the first turn blocks are %+v, and the table is there: %t", b, w.rules.Have().Present)
		}
		w.pass(2 * time.Second)
		if got := ids(w.publisher.told()().Attacks); !slices.Equal(got, []string{"8", "7"}) {
			t.Errorf("attacks %v, want the numbers to go on after 7", got)
		}
		if k.kept.Attacks != 8 || len(k.kept.Blocks) != 1 || k.kept.Saved.Boot != "boot one" || k.kept.Saved.At != w.clock.now() && k.kept.Saved.At == 0 {
			t.Errorf("kept %+v", k.kept)
		}
	})
}

func TestWhatIsRestoredReplays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(blockingPolicy)
		path := filepath.Join(filepath.Dir(w.path), "recording")
		r, err := recording.Create(recording.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		w.recorder, w.keeper, w.restored = r, &fakeKeeper{}, before(w)
		w.start()
		w.pass(2 * time.Second)
		w.stop()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		replays(t, path, w.daemon.Policy)
	})
}

// replays decides a recording again, which must have a block from its first turn on.
func replays(t *testing.T, path string, p *policy.Policy) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := recording.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	turns := 0
	if err := recording.Replay(r, p, func(o recording.Outcome) bool {
		turns++
		if !o.Same || len(o.Decision.Blocks) != 1 {
			t.Errorf("turn %d: same %t, blocks %+v", turns, o.Same, o.Decision.Blocks)
		}
		return true
	}); err != nil || turns < 5 {
		t.Errorf("%d turns replayed, %v", turns, err)
	}
}

func TestAnAttackIsKeptWithHowItWent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		k := &fakeKeeper{}
		w.keeper = k
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		defer w.stop()
		w.pass(15 * time.Second)
		if len(k.open) != 1 || k.open[0].Attack.ID != "1" || !k.open[0].Attack.Ended.IsZero() {
			t.Errorf("while it is open, kept is %+v", k.open)
		}
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(time.Minute)
		if len(k.ended) != 1 || k.ended[0].Attack.Ended.IsZero() || k.ended[0].Series.Len() < 15 {
			t.Fatalf("kept is %+v", k.ended)
		}
	})
}

func TestAFailingHistoryIsAFault(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		k := &fakeKeeper{err: errors.New("the disk is full")}
		w.keeper = k
		w.start()
		defer w.stop()
		if f := w.daemon.faults.list; len(f) != 1 || f[0].Part != "history" || f[0].Text != "the disk is full" {
			t.Errorf("faults %+v", f)
		}
		k.fail(nil)
		w.pass(time.Second)
		if f := w.daemon.faults.list; len(f) != 0 {
			t.Errorf("faults %+v", f)
		}
	})
}

func TestHistoryElsewhereTakesARestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.keeper = &fakeKeeper{}
		w.start()
		defer w.stop()
		w.write("[history]\npath = \"/tmp/other.db\"\n" + "[[service]]\nname = \"web\"\nports = [80]\n")
		w.reload <- struct{}{}
		w.pass(time.Second)
		const want = "history: takes effect when the service is restarted; until then it is as it was at start"
		if r := w.daemon.reload; r == nil || !slices.Contains(r.Warnings, want) {
			t.Errorf("the reload says %+v", r)
		}
	})
}

// What is sampled is an attack's own service, and what was refused is measured from the sample before, though
// the attack was not open then.
func TestOnlyAttackedServicesAreSampled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.keeper = &fakeKeeper{}
		d := w.make()
		s := &control.Status{Services: []control.Service{{Name: "mail", Held: 7}, {Name: "web", Held: 25}}}
		d.sample(w.clock.now(), s)
		if len(d.keeping.series) != 0 || len(d.keeping.refused) != 2 {
			t.Errorf("in peace %d series are kept, and counters of %d services", len(d.keeping.series), len(d.keeping.refused))
		}
		time.Sleep(sampleEvery) // of synctest's time
		d.decision.Attacks = []policy.Attack{{ID: 3, Service: "web", Kind: policy.ConnectionFlood}, {ID: 4, Service: "web", Kind: policy.Churn}}
		s.Services[0].RefusedPackets, s.Services[1].RefusedPackets = 1000, 50
		d.sample(w.clock.now(), s)
		if len(d.keeping.series) != 2 {
			t.Fatalf("%d series, want one of each attack", len(d.keeping.series))
		}
		for id, one := range d.keeping.series {
			if one.Len() != 1 || d.keeping.refused["mail"] != 1000 {
				t.Errorf("attack %d has %d samples, mail refused %d", id, one.Len(), d.keeping.refused["mail"])
			}
		}
	})
}
