package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/enforcer"
)

func TestFullSetsAreFaultsWhileTheyAre(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rules.fills = []enforcer.Fill{
			{Set: "web_conn4", Most: 40, Then: "connections of further sources are not counted", Fault: true},
			{Set: "web_rate4", Elements: 65536, Most: 65536, Known: true, Then: "SYNs are counted together"},
			{Set: "web_refuse4", Elements: 7, Most: 7, Known: true, Then: "further sources are not refused", Fault: true},
		}
		w.start()
		w.pass(2 * time.Second)
		if n := len(w.trace.times("fill")); n != 0 {
			t.Errorf("sets were measured %d times without a table", n)
		}
		w.watcher.hold("web", "203.0.113.1", 25)
		w.pass(10 * time.Second)
		want := []string{`sets of the table: "web_refuse4" is full with 7: further sources are not refused`}
		if got := w.faults(); !slices.Equal(got, want) {
			t.Errorf("faults %q, want %q", got, want)
		}
		sets := w.publisher.latest().Table.Sets
		if len(sets) != 3 || sets[0].Elements != nil || sets[1].Elements == nil || *sets[1].Elements != 65536 || sets[2].Size != 7 {
			t.Errorf("shown are %+v", sets)
		}
		times := w.trace.times("fill")
		for i := 1; i < len(times); i++ {
			if gap := times[i] - times[i-1]; gap < time.Second {
				t.Errorf("measured again after %v, want a second or more", gap)
			}
		}
		w.rules.set(func(r *fakeRules) { r.unfill = errors.New("measure sets: no such file or directory") })
		w.pass(1200 * time.Millisecond)
		if got := w.faults(); len(got) != 2 || !strings.Contains(got[1], "measure sets") {
			t.Errorf("faults %q, want the one before and that they cannot be measured", got)
		}
		w.watcher.hold("web", "203.0.113.1", 0)
		w.pass(20 * time.Minute)
		if got := w.faults(); len(got) != 0 || len(w.publisher.latest().Table.Sets) != 0 {
			t.Errorf("without a table: faults %q, sets %v", got, w.publisher.latest().Table.Sets)
		}
		w.stop()
	})
}

// TestATransientRefusalIsTriedAgainAtOnce: within the same turn, three times at most, and not closing
// anything while the kernel refuses.
func TestATransientRefusalIsTriedAgainAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want int // tries in the first turn that has anything to send
	}{
		{"busy", &enforcer.Refusal{Errno: 16}, triesAtOnce},
		{"full", &enforcer.Refusal{Errno: 23}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.rules.refuse = tt.err
				w.watcher.hold("web", "203.0.113.1", 25)
				w.start()
				w.pass(firstAnswer)
				w.rules.set(func(r *fakeRules) {
					if n := len(r.refusals); n != tt.want {
						t.Errorf("tried %d times, want %d", n, tt.want)
					}
				})
				w.pass(5 * time.Second)
				if n := len(w.trace.times("close")); n != 0 {
					t.Errorf("%d runs of closing while the kernel refuses", n)
				}
				w.stop()
			})
		})
	}
}

// TestALostTableIsAnEvent: in the journal, and in the record of the attack it was lost under.
func TestALostTableIsAnEvent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(2 * time.Second)
		w.rules.lose()
		w.pass(time.Second)
		if !w.rules.Have().Present {
			t.Error("the table was not built again within a second")
		}
		if got := w.log.lines("event=table-lost"); len(got) != 1 || !strings.HasPrefix(got[0], "WARN table-lost") {
			t.Errorf("log %q", got)
		}
		found := 0
		for _, c := range w.publisher.latest().Services[0].Attacks[0].Changes {
			if c.What == "table lost" {
				found++
			}
		}
		if found != 1 {
			t.Errorf("the attack's record says %d times that the table was lost: %+v", found, w.publisher.latest().Services[0].Attacks[0].Changes)
		}
		w.stop()
	})
}
