package daemon

import (
	"testing"
	"time"

	"ebbgate/control"
)

// TestSourcesAreOfTheirTurn lists who holds connections as clients ask for it, and again when the loop has
// gone on.
func TestSourcesAreOfTheirTurn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.watcher.hold("web", "203.0.113.2", 3)
		w.start()
		defer w.stop()
		w.pass(time.Second)
		list := w.publisher.listed()
		w.watcher.hold("web", "203.0.113.2", 4)
		w.pass(5 * time.Second)
		before, after := list().Select(control.SourcesRequest{}), w.publisher.listed()().Select(control.SourcesRequest{})
		for what, got := range map[string]*control.Sources{"the earlier list": before, "the later list": after} {
			if len(got.Sources) != 2 || got.Counted.IsZero() || !got.Complete {
				t.Fatalf("%s: %+v", what, got)
			}
			if s := got.Sources[0]; s.Source != prefix("203.0.113.1") || s.Held != 25 || s.Max != 10 || s.State == control.SourceFree || s.Rule != "connections.per_source" || s.Left <= 0 {
				t.Errorf("%s: %+v", what, s)
			}
		}
		if before.Sources[1].Held != 3 || after.Sources[1].Held != 4 || !after.At.After(before.At.Time) {
			t.Errorf("before %+v, after %+v", before.Sources[1], after.Sources[1])
		}
	})
}
