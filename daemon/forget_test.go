package daemon

import (
	"testing"
	"time"
)

// TestWhatOnlyWeTrackedIsForgotten: when the attack is over, run by run until nothing is left, once more
// a second later, and not where others track.
func TestWhatOnlyWeTrackedIsForgotten(t *testing.T) {
	for name, others := range map[string]bool{"nobody else tracks": false, "others track": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.watcher.hold("web", "203.0.113.1", 10)
				w.closer.forgets = 3
				w.start()
				w.rules.set(func(r *fakeRules) { r.others = others })
				w.pass(time.Second)
				if n := len(w.trace.times("forget")); n != 0 {
					t.Fatalf("forgotten %d times while connections are counted", n)
				}
				w.watcher.hold("web", "203.0.113.1", 0)
				w.pass(20 * time.Second)
				if w.rules.Have().Present {
					t.Fatal("the table is still there")
				}
				want := map[bool]int{false: 4, true: 0}[others]
				if n := len(w.trace.times("forget")); n != want {
					t.Errorf("forgotten %d times, want %d", n, want)
				}
				w.stop()
			})
		})
	}
}
