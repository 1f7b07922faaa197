package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
	"ebbgate/recording"
)

// fakeRecorder keeps what it is given, and fails when told to.
type fakeRecorder struct {
	hashes []string
	states []policy.State
	seen   []policy.Observation
	made   []policy.Decision
	err    error
}

func (r *fakeRecorder) Policy(hash string) error {
	r.hashes = append(r.hashes, hash)
	return r.err
}

func (r *fakeRecorder) Write(before *policy.State, o *policy.Observation, d *policy.Decision) error {
	r.states, r.seen, r.made = append(r.states, *before), append(r.seen, *o), append(r.made, *d)
	return r.err
}

func TestEveryTurnIsRecorded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := &fakeRecorder{}
		w.recorder = r
		w.start()
		w.watcher.hold("web", "203.0.113.1", 25)
		w.pass(2 * time.Second)
		w.stop()
		if want := recording.HashPolicy([]byte(enforcing)); len(r.hashes) != 1 || r.hashes[0] != want {
			t.Errorf("policies %q, want %q", r.hashes, want)
		}
		limits := 0
		state := policy.State{}
		for i := range r.seen {
			next, d := policy.Step(w.daemon.Policy, r.states[i], r.seen[i])
			a, errA := recording.Digest(&d)
			b, errB := recording.Digest(&r.made[i])
			if a != b || errA != nil || errB != nil {
				t.Fatalf("turn %d decides otherwise when it is replayed", i+1)
			}
			if r.states[i].At != state.At {
				t.Fatalf("turn %d began from another state than the turn before left", i+1)
			}
			state, limits = next, limits+len(d.Limits)
		}
		if len(r.seen) < 10 || limits == 0 {
			t.Errorf("%d turns with %d limits recorded", len(r.seen), limits)
		}
	})
}

func TestAnotherPolicyIsRecordedAsSuch(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := &fakeRecorder{}
		w.recorder = r
		w.start()
		other := strings.Replace(enforcing, "per_source = 10", "per_source = 20", 1)
		w.write(other)
		w.hup()
		w.write("nonsense")
		w.hup()
		w.stop()
		want := []string{recording.HashPolicy([]byte(enforcing)), recording.HashPolicy([]byte(other))}
		if !slices.Equal(r.hashes, want) {
			t.Errorf("policies %q, want %q", r.hashes, want)
		}
	})
}

func TestAFailingRecorderIsAFaultAndNothingElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.recorder = &fakeRecorder{err: errors.New("no space left")}
		w.start()
		w.watcher.hold("web", "203.0.113.1", 25)
		w.pass(2 * time.Second)
		s := w.publisher.latest()
		if got, want := w.faults(), []string{"recorder: no space left"}; !slices.Equal(got, want) {
			t.Errorf("faults %q, want %q", got, want)
		}
		if s.Services[0].LimitsTotal != 1 {
			t.Errorf("%d limits in force, want 1: recording must not stand in the way", s.Services[0].LimitsTotal)
		}
		w.stop()
	})
}
