package daemon

import (
	"slices"
	"testing"
	"time"

	"ebbgate/control"
)

func TestTurnsAreSortedByLength(t *testing.T) {
	var all turns
	if got := all.shown(); got.Count != 0 || len(got.Within) != len(turnLengths) {
		t.Errorf("before the first turn: %+v", got)
	}
	took := []time.Duration{time.Millisecond, time.Millisecond + 1, 300 * time.Millisecond, time.Minute, 0}
	for _, d := range took {
		all.add(d)
	}
	got := all.shown()
	if got.Count != 5 || got.Last != 0 || got.Longest != control.Duration(time.Minute) || got.Sum != control.Duration(time.Minute+302*time.Millisecond+1) {
		t.Errorf("five turns: %+v", got)
	}
	for _, w := range got.Within {
		want := uint64(0)
		for _, d := range took {
			if control.Duration(d) <= w.Length {
				want++
			}
		}
		if w.Count != want {
			t.Errorf("%d turns within %v, want %d", w.Count, time.Duration(w.Length), want)
		}
	}
	if !slices.IsSorted(turnLengths[:]) {
		t.Error("the lengths do not ascend")
	}
}

// TestTurnsAreShown: each of them, once it is over.
func TestTurnsAreShown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		before := w.publisher.latest().Turns
		time.Sleep(10 * time.Second)
		after := w.publisher.latest().Turns
		if n := after.Count - before.Count; n < 49 || n > 60 {
			t.Errorf("%d turns in ten seconds of a tick of 200 ms", n)
		}
		if before.Within[0].Count > before.Count || after.Within[len(turnLengths)-1].Count != after.Count {
			t.Errorf("turns %+v, then %+v", before, after)
		}
	})
}
