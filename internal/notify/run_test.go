package notify

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// rig is one run with fakes at both ends. It is used inside a synctest bubble.
type rig struct {
	*testing.T
	Config
	stream *stream
	inbox  *inbox
	log    *written
	end    func()
}

func newRig(t *testing.T, events ...control.Event) *rig {
	r := &rig{T: t, stream: newStream(events...), inbox: &inbox{}, log: &written{}}
	r.Config = Config{Source: r.stream, Sender: r.inbox, Selection: everything(t), Host: "victim",
		Log: slog.New(slog.NewTextHandler(r.log, nil)), UnreachableAfter: 30 * time.Second, Burst: 5, Interval: time.Minute,
		AtOnce: 1, Patience: time.Hour}
	return r
}

// start begins a run and waits until it has nothing more to do.
func (r *rig) start() {
	ctx, cancel := context.WithCancel(r.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, r.Config) }()
	r.end = func() {
		cancel()
		if err := <-ended; err != nil {
			r.Errorf("Run: %v", err)
		}
	}
	synctest.Wait()
}

// after lets time pass.
func (r *rig) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestFirstRunBeginsWithWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"), ended(2, "old"))
		r.start()
		r.inbox.wantTold(t)
		r.stream.add(began(3, "web"))
		synctest.Wait()
		r.inbox.wantTold(t, "attack-began web")
		r.end()
	})
}

func TestFirstRunFromStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"), ended(2, "old"))
		r.FromStart = true
		r.start()
		r.inbox.wantTold(t, "attack-began old", "attack-ended old")
		r.end()
	})
}

// TestResume: nothing is lost and nothing told twice over a restart, whatever was settled before it.
func TestResume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.json")
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"))
		r.StatePath, r.Flap = path, time.Minute
		r.start()
		// The second of web is held back when the run ends, and what came after it is told.
		r.stream.add(began(2, "web"), began(3, "web"), began(4, "mail"))
		synctest.Wait()
		r.inbox.wantTold(t, "attack-began web", "attack-began mail")
		r.end()
		s, err := LoadState(path)
		if err != nil || s.After != 2 || len(s.Told) != 1 || s.Told[0] != 4 {
			t.Fatalf("state %+v, %v", s, err)
		}
		r.stream.add(ended(5, "mail"))
		r.start()
		r.inbox.wantTold(t, "attack-began web", "attack-ended mail")
		r.end()
		if s, err = LoadState(path); err != nil || s.After != 5 || len(s.Told) != 0 {
			t.Errorf("state %+v, %v", s, err)
		}
	})
}

// TestEndDuringDelivery: what was under way is told by the next run.
func TestEndDuringDelivery(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.json")
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"))
		r.StatePath = path
		r.start()
		r.inbox.takes = time.Second
		r.stream.add(began(2, "web"), began(3, "mail"))
		r.after(1500 * time.Millisecond)
		r.end()
		r.inbox.wantTold(t, "attack-began web")
		r.start()
		r.after(time.Second)
		r.inbox.wantTold(t, "attack-began mail")
		r.end()
	})
}

func TestLostStateIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.json")
	if err := writeSynced(path, []byte(`{"version":1,"aft`)); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"))
		r.StatePath = path
		r.start()
		r.inbox.wantTold(t, "events-missed")
		r.stream.add(began(2, "web"))
		synctest.Wait()
		r.inbox.wantTold(t, "attack-began web")
		r.end()
	})
	if s, err := LoadState(path); err != nil || s.After != 2 {
		t.Errorf("state %+v, %v", s, err)
	}
}

func TestUnwritableStateIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.StatePath = filepath.Join(t.TempDir(), "none", "told.json")
		r.start()
		r.stream.add(began(2, "web"))
		synctest.Wait()
		r.stream.add(began(3, "mail"))
		synctest.Wait()
		r.inbox.wantTold(t, "attack-began web", "attack-began mail")
		r.end()
		if n := strings.Count(r.log.text(), "state not saved"); n != 1 {
			t.Errorf("said %d times:\n%s", n, r.log.text())
		}
	})
}

func TestUnreachable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.json")
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"))
		r.StatePath = path
		r.start()
		r.stream.fail(errAway)
		r.after(29 * time.Second)
		r.inbox.wantTold(t)
		r.after(2 * time.Second)
		r.inbox.wantTold(t, "daemon-unreachable")
		r.after(time.Hour)
		r.inbox.wantTold(t)
		// A restart does not tell it again, and knows that it was told.
		r.end()
		r.start()
		r.after(time.Hour)
		r.inbox.wantTold(t)
		r.stream.fail(nil)
		r.after(5 * time.Second)
		r.inbox.wantTold(t, "daemon-reachable")
		r.end()
	})
}

// TestHungDaemon: one that takes questions and answers none is told of as soon as one that is gone, counted from when
// it owed the answer, however short the patience is beside what a question may take.
func TestHungDaemon(t *testing.T) {
	for _, patience := range []time.Duration{time.Second, 3 * time.Second, 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, began(1, "old"))
			r.UnreachableAfter = patience
			r.start()
			r.after(100 * time.Millisecond)
			r.stream.hang()
			// The question under way is answered, and the next one waits for news before it is due.
			r.after(min(patience/2, control.LongestWait) + patience - 200*time.Millisecond)
			r.inbox.wantTold(t)
			r.after(min(patience/2, control.LongestWait) + 400*time.Millisecond)
			r.inbox.wantTold(t, "daemon-unreachable")
			r.end()
		})
	}
}

func TestShortAbsenceIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"))
		r.start()
		r.stream.fail(errAway)
		r.after(20 * time.Second)
		r.stream.fail(nil)
		r.after(time.Hour)
		r.inbox.wantTold(t)
		r.end()
		if r.stream.asked > 4000 {
			t.Errorf("asked %d times in an hour", r.stream.asked)
		}
	})
}

func TestMissed(t *testing.T) {
	for _, tt := range []struct {
		name string
		last policy.EventKind
		next control.Event
		want []string
	}{
		{"the daemon keeps them no more", policy.AttackBegan, ended(100, "web"), []string{"events-missed", "attack-ended web"}},
		{"a crash", policy.AttackBegan, event(100, control.Started, ""), []string{"events-missed", "started"}},
		{"a restart", control.Stopping, event(100, control.Started, ""), []string{"started"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, began(1, "old"))
				r.start()
				r.stream.add(event(2, tt.last, "x"))
				synctest.Wait()
				r.inbox.wantTold(t, string(tt.last)+" x")
				r.stream.restart(50, tt.next)
				synctest.Wait()
				r.inbox.wantTold(t, tt.want...)
				r.end()
			})
		})
	}
}

// TestNumbersBeginAnew: a daemon whose clock was ahead once.
func TestNumbersBeginAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1000, "old"))
		r.start()
		r.stream.restart(0, began(7, "web"))
		synctest.Wait()
		r.inbox.wantTold(t, "events-missed", "attack-began web")
		r.stream.add(ended(8, "web"))
		synctest.Wait()
		r.inbox.wantTold(t, "attack-ended web")
		r.end()
	})
}

// TestFloodOfEvents: five notifications at once, the last of them with the rest; then one a minute.
func TestFloodOfEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"))
		r.start()
		var flood []control.Event
		for id := uint64(2); id < 102; id++ {
			flood = append(flood, event(id, policy.SourceBlocked, "web"))
		}
		r.stream.add(append(flood, began(102, "mail"))...)
		synctest.Wait()
		r.inbox.mu.Lock()
		last := r.inbox.notes[len(r.inbox.notes)-1]
		r.inbox.mu.Unlock()
		r.inbox.wantTold(t, "source-blocked web", "source-blocked web", "source-blocked web", "source-blocked web", "digest")
		if last.Count != 97 || last.Importance != Urgent || len(last.Lines) != maxLines+1 || !strings.Contains(last.Lines[0], "mail: connection-flood began") {
			t.Errorf("digest %+v", last)
		}
		for range 3 {
			r.stream.add(began(uint64(200+r.stream.asked), "x"), ended(uint64(201+r.stream.asked), "x"))
			r.after(time.Second)
			r.inbox.wantTold(t)
			r.after(time.Minute)
			r.inbox.wantTold(t, "digest")
		}
		r.end()
	})
}

func TestDeliveryThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"))
		r.Patience = 10 * time.Minute
		r.start()
		r.inbox.fail(&Temporary{Err: errors.New("try later")})
		r.stream.add(began(2, "web"))
		r.after(5 * time.Minute)
		r.inbox.fail(nil)
		r.after(2 * time.Minute)
		r.inbox.wantTold(t, "attack-began web")
		// For good: the next notification says so.
		r.inbox.fail(errors.New("refused"))
		r.stream.add(ended(3, "web"))
		synctest.Wait()
		r.inbox.fail(nil)
		r.stream.add(began(4, "mail"))
		synctest.Wait()
		n := r.inbox.notes[0]
		if n.Service != "mail" || n.Dropped != 1 || !strings.Contains(n.Text, "(1 event before was dropped: nobody was told)") {
			t.Errorf("told %+v", n)
		}
		r.end()
		if log := r.log.text(); strings.Count(log, "trying again") != 1 || strings.Count(log, "delivered at last") != 1 {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &inbox{err: &Temporary{Err: errors.New("try later")}}
		begin := time.Now()
		err := deliver(t.Context(), box, compose("h", []item{{event: began(1, "web")}}, 0), 10*time.Minute, quiet())
		if took := time.Since(begin); err == nil || took < 8*time.Minute || took > 10*time.Minute {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &inbox{err: &Temporary{Err: errors.New("busy"), After: time.Hour}}
		begin := time.Now()
		go func() {
			time.Sleep(time.Minute)
			box.fail(nil)
		}()
		if err := deliver(t.Context(), box, compose("h", []item{{event: began(1, "web")}}, 0), time.Hour, quiet()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != longestAfter {
			t.Errorf("took %s, want %s", took, longestAfter)
		}
	})
}

func TestAtOnce(t *testing.T) {
	for _, most := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, began(1, "old"))
			r.AtOnce = most
			r.start()
			r.inbox.takes = time.Second
			r.stream.add(began(2, "a"), began(3, "b"), began(4, "c"), began(5, "d"))
			r.after(10 * time.Second)
			if got := r.inbox.told(); len(got) != 4 || r.inbox.peak != most {
				t.Errorf("told %q, %d at once, want %d", got, r.inbox.peak, most)
			}
			r.end()
		})
	}
}

func TestSignalSendsATest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, began(1, "old"))
		asked := make(chan struct{})
		r.Test, r.Selection = asked, Selection{}
		r.start()
		asked <- struct{}{}
		synctest.Wait()
		r.inbox.wantTold(t, "test")
		r.end()
	})
}
